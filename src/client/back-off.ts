/** Whether and when to connect again. */
import { readU32 } from '../bytes.ts';
import type { RandomBytes } from '../clock.ts';
import type { ErrorCode } from '../errors.ts';

/** Said under the connection's own keys, these stay true however often one tries. */
export const FATAL: ReadonlySet<ErrorCode> = new Set([
  'not_enrolled',
  'suspended',
  'bad_invite',
  'name_taken',
  'stale_list',
  'replaced',
  'legacy_disabled',
]);
/** The gateway asks for time. */
export const BUSY: ReadonlySet<ErrorCode> = new Set(['overloaded', 'rate_limited']);

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 30_000;
/** As if so many attempts had failed: 4 to 8 s. */
export const BUSY_TRIES = 4;

/** Milliseconds, between half and all of what doubles: after a restart of the gateway its members do not all come at once. */
export function backOff(tries: number, random: RandomBytes): number {
  const longest = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** tries);
  return Math.round(longest * (0.5 + readU32(random(4)) / 2 ** 33));
}
