/**
 * Wakes the path to a peer. After a cut of the network homeservers sleep in their back-off for up to a minute, long after it healed;
 * probing every 3 s and repeating at once brought that to at most 3.2 s (measured between two Synapses).
 */
import type { ServerName } from '../ids.ts';
import type { Lives } from './lives.ts';
import type { Carrier, PathState } from './ports.ts';

/** Sooner than the homeserver's first retry, at 3.2 s or later: the path must be found cut while it is, or a later sleep has nothing to wake it. */
const AFTER_MS = 2_000;
const AGAIN_MS = 3_000;
/** A server that has been away for an hour is not coming back within seconds. */
const LONG_CUT_MS = 3_600_000;
const AGAIN_LONG_MS = 30_000;
/** The server answers and its bridge does not: nothing to wake. Looked at again after 9 s, then ever less often. */
const ANSWERED_MS = 9_000;
const ANSWERED_LONGEST_MS = 300_000;
/** A server may be there and not show it: one envelope each so often is in time for most of what waits, and is no backlog. */
const TRIAL_MS = 30_000;

export class Waking {
  readonly #carrier: Pick<Carrier, 'wake'>;
  readonly #peer: ServerName;
  readonly #lives: Lives;
  readonly #woken: () => void;
  #underWay = false;
  /** Since the last attempt began. */
  #heard = false;
  /** Of the last attempt since the peer's bridge spoke. */
  #answered: boolean | undefined;
  #nextAt = 0;
  #nextTrialAt = 0;
  /** When the first attempt ended without an answer, of those since the peer's bridge spoke or its server answered. */
  #cutSince: number | undefined;
  /** How often in a row the server answered while its bridge stayed silent. */
  #answers = 0;

  constructor(carrier: Pick<Carrier, 'wake'>, peer: ServerName, lives: Lives, woken: () => void) {
    this.#carrier = carrier;
    this.#peer = peer;
    this.#lives = lives;
    this.#woken = woken;
  }

  /** The peer's bridge spoke: the next silence is a new one. */
  heard(): void {
    this.#heard = true;
    this.#answers = 0;
    this.#answered = undefined;
    this.#cutSince = undefined;
    this.#nextAt = Math.min(this.#nextAt, this.#lives.now() + ANSWERED_MS);
  }

  /** Of a peer that something has waited for this long. */
  state(ms: number): PathState {
    if (ms < AFTER_MS) return 'ok';
    if (this.#answered === undefined) return 'waiting';
    return this.#answered ? 'silent' : 'unreachable';
  }

  /** The peer's server could not be reached: what is handed over now only waits in our homeserver, and makes it try by itself. */
  get holds(): boolean {
    return this.#answered === false;
  }

  /** Whether one envelope may be sent all the same; it is, then. */
  mayTry(): boolean {
    const now = this.#lives.now();
    if (now < this.#nextTrialAt) return false;
    this.#nextTrialAt = now + TRIAL_MS;
    return true;
  }

  /** What is to be acknowledged has waited for this long. While it holds it asks whatever waits: nothing else would end that. */
  waiting(ms: number): void {
    if ((ms < AFTER_MS && !this.holds) || this.#underWay || this.#lives.now() < this.#nextAt) return;
    this.#underWay = true;
    this.#heard = false;
    this.#carrier
      .wake(this.#peer)
      .catch(() => undefined)
      .then((result) => {
        this.#underWay = false;
        // An attempt that began before the bridge spoke says nothing of a cut any more.
        const answered = result === false && this.#heard ? undefined : result;
        const now = this.#lives.now();
        // Envelopes have just been sent when a hold begins.
        if (answered === false && !this.holds) this.#nextTrialAt = now + TRIAL_MS;
        this.#answered = answered;
        this.#nextAt = now + (answered ? this.#afterAnswer() : this.#afterSilence(now));
        if (answered) this.#woken();
      });
  }

  #afterSilence(now: number): number {
    this.#answers = 0;
    this.#cutSince ??= now;
    return now - this.#cutSince < LONG_CUT_MS ? AGAIN_MS : AGAIN_LONG_MS;
  }

  #afterAnswer(): number {
    this.#cutSince = undefined;
    return Math.min(ANSWERED_MS * 2 ** this.#answers++, ANSWERED_LONGEST_MS);
  }
}
