/**
 * Makes a folder that takes long to build (a venv, a Debian) once, whoever else makes it at the same time.
 *
 * Right by rename: a build happens under a name of its own and is put in place in one step, so a half-made one is never seen
 * and a second one made meanwhile is thrown away. The lock only saves the double work, which is why a mistaken "stale" costs
 * time and nothing else.
 */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const BEAT_MS = 2_000;
/** Counted from the holder's last beat, so it needs no process ids, which mean nothing across containers. */
const STALE_MS = 30_000;

/** `landmark`: a path inside `target` that works only in a whole build; one without it is made anew. */
export async function buildOnce(target: string, landmark: string, build: (folder: string) => Promise<void>): Promise<void> {
  const isWhole = (): boolean => existsSync(join(target, landmark));
  if (isWhole()) return;
  const lock = `${target}.lock`;
  await mkdir(dirname(target), { recursive: true });
  while (!(await take(lock))) {
    await sleep(250);
    if (isWhole()) return;
  }
  const beat = setInterval(() => void utimes(lock, new Date(), new Date()).catch(() => {}), BEAT_MS);
  try {
    if (isWhole()) return;
    // Inside the lock, so that whoever finds it stale clears what a killed run left half-made.
    const folder = join(lock, randomUUID());
    await build(folder);
    if (isWhole()) return; // our lock was taken for stale, and another build was faster
    await rm(target, { recursive: true, force: true });
    await rename(folder, target);
  } finally {
    clearInterval(beat);
    await rm(lock, { recursive: true, force: true });
  }
}

async function take(lock: string): Promise<boolean> {
  try {
    await mkdir(lock);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const held = await stat(lock).catch(() => undefined);
  if (held !== undefined && Date.now() - held.mtimeMs > STALE_MS) await rm(lock, { recursive: true, force: true });
  return false;
}
