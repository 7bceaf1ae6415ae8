/** Waits until the homeserver knows the bridge: somebody is restarting it meanwhile. */
import type { Clock } from '../../clock.ts';
import { codeOf, type ErrorCode, VollyError } from '../../errors.ts';

/** Soon enough for whoever watches, and nothing to a homeserver. */
const EVERY_MS = 2_000;
/** So often a line shows that it still waits. */
const TELL_MS = 60_000;

/** What a restart may mend, in the operator's words. */
const MENDS: Partial<Record<ErrorCode, string>> = {
  wrong_token: 'it answers and does not know this bridge: it has not read the registration yet',
  homeserver_absent: 'it does not answer',
  homeserver_unreachable: 'it does not answer',
  homeserver_refused: 'it knows a registration that is not the one written here',
  rate_limited: 'it wants to be asked less often',
};

/** Whether it is known now; the error says why not yet. Throws what no restart mends. */
export async function notYet(attempt: () => Promise<void>): Promise<VollyError | undefined> {
  try {
    await attempt();
    return undefined;
  } catch (error) {
    if (error instanceof VollyError && MENDS[error.code] !== undefined) return error;
    throw error;
  }
}

export interface Waiting {
  readonly attempt: () => Promise<void>;
  readonly clock: Clock;
  readonly waitMs: number;
  readonly say: (text: string) => void;
}

/** Resolves when it is known. Throws the last refusal when the time is over. */
export async function waitUntilKnown({ attempt, clock, waitMs, say }: Waiting): Promise<void> {
  const start = clock.monotonic();
  say(`Waiting for the homeserver, for ${duration(waitMs)}. Ctrl-C ends that; the same command goes on from here.`);
  let told: ErrorCode | undefined;
  let toldAt = start;
  for (;;) {
    const refusal = await notYet(attempt);
    if (refusal === undefined) return;
    const now = clock.monotonic();
    if (now - start >= waitMs)
      throw new VollyError(refusal.code, `${detailOf(refusal)}, for ${duration(waitMs)}`, { cause: refusal });
    if (codeOf(refusal) !== told || now - toldAt >= TELL_MS) {
      say(`  after ${duration(now - start)}: ${MENDS[refusal.code]} (${detailOf(refusal)})`);
      told = refusal.code;
      toldAt = now;
    }
    await new Promise<void>((resolve) => clock.after(EVERY_MS, resolve));
  }
}

const detailOf = ({ code, message }: VollyError): string => message.slice(code.length + 2);

function duration(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  return seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}
