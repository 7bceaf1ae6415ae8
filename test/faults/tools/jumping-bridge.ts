/**
 * `volly-bridge` on a machine whose clock jumps: what the wall clock says is off by the ms in the file `clock-offset` beside the configuration.
 * What measures spans of time does not jump, as on a real machine.
 */
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Community } from '../../support/community.ts';

const LOOK_MS = 50;

export const JUMPING_BRIDGE = new URL('jumping-bridge.ts', import.meta.url).pathname;
const fileIn = (folder: string): string => join(folder, 'clock-offset');

/** Takes effect within 50 ms. */
export const setClock = ({ dir }: Community, offsetMs: number): Promise<void> => writeFile(fileIn(dir), String(offsetMs));

if (process.argv[1] === JUMPING_BRIDGE) {
  const file = fileIn(dirname(process.argv[process.argv.indexOf('--config') + 1] ?? ''));
  const now = Date.now;
  let offset = 0;
  const look = (): void => {
    try {
      offset = Number(readFileSync(file, 'utf8'));
    } catch {
      offset = 0;
    }
  };
  look();
  setInterval(look, LOOK_MS).unref();
  Date.now = () => now() + offset;
  const { run } = await import('../../../src/main.ts');
  await run(process.argv);
}
