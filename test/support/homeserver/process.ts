/** A Synapse process that ends with ours, whatever ends ours. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import type { SynapseProgram } from './install.ts';

const LAUNCHER = new URL('launch.py', import.meta.url);

/**
 * Starts it, both its outputs appended to `log`. It is launch.py that watches for our end, so no exit or signal handler of ours
 * is needed, none of which would run on a SIGKILL. Does not keep this process alive.
 */
export async function spawnBound(
  program: SynapseProgram,
  config: string,
  log: string,
  visible: readonly string[],
): Promise<ChildProcess> {
  // -I: neither PYTHONPATH nor a user's own packages get in between.
  const args = ['-I', '-c', await readFile(LAUNCHER, 'utf8'), String(process.pid), config];
  const [file, fileArgs] = program.command(args, visible);
  const output = await open(log, 'a');
  try {
    // A group of its own: Ctrl-C at a terminal goes to us, and we end it in our order.
    const child = spawn(file, fileArgs, { stdio: ['pipe', output.fd, output.fd], detached: true });
    await once(child, 'spawn'); // rejects where it cannot be spawned
    child.unref();
    (child.stdin as Socket).unref();
    return child;
  } finally {
    await output.close();
  }
}

export const isRunning = (child: ChildProcess): boolean => child.exitCode === null && child.signalCode === null;

/** Sends the signal and resolves once the process is gone, by SIGKILL if it takes longer than `patience` ms. */
export async function ended(child: ChildProcess, signal: NodeJS.Signals, patience: number): Promise<void> {
  if (!isRunning(child)) return;
  child.ref();
  const exit = once(child, 'exit');
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), patience);
  await exit;
  clearTimeout(timer);
}
