/** Other programs: run one to its end, find one on PATH, read what one wrote last. */
import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';

const TAIL_LINES = 25;

/**
 * Standard output of a program that ended well; both its outputs go to `onLine` meanwhile. Rejects with its last lines otherwise.
 * Without a shell: arguments arrive as they are.
 */
export async function run(
  file: string,
  args: readonly string[],
  { onLine, env }: { onLine?: (line: string) => void; env?: NodeJS.ProcessEnv } = {},
): Promise<string> {
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], env: env ?? process.env });
  const output: string[] = [];
  const tail: string[] = [];
  const take = (line: string) => {
    tail.push(line);
    if (tail.length > TAIL_LINES) tail.shift();
    onLine?.(line);
  };
  createInterface(child.stdout).on('line', (line) => {
    output.push(line);
    take(line);
  });
  createInterface(child.stderr).on('line', take);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code === 0) resolve(output.join('\n'));
      else reject(new Error(`${file} ended with ${signal ?? code}:\n${tail.join('\n')}`));
    });
  });
}

/** The last lines of a log file, or nothing if there is none. */
export async function lastLines(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-TAIL_LINES).join('\n');
}

export function onPath(program: string): string | undefined {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, program))
    .find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
