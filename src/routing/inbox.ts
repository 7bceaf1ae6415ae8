/** Envelopes for own devices: remembered, kept until the app takes them, ended when nobody does. */
import type { Clock } from '../clock.ts';
import { VollyError } from '../errors.ts';
import type { DeviceAddress, EnvelopeId, ServerName } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import { decodeEnvelope, type Envelope, encodeEnvelope, serverOfAddress } from '../protocol/envelope.ts';
import type { InboxRow, InboxStore } from '../storage/types.ts';
import { atMost } from './at-most.ts';
import type { Lives } from './lives.ts';
import type { Doorway, Mailbox, Passing, Steps } from './ports.ts';

/** With a database that fails nothing is routed, and what waits can be read all the same. */
const ARRIVED_MS = 2_000;

export interface InboxOptions {
  readonly store: InboxStore;
  readonly doorway: Doorway;
  readonly lives: Lives;
  readonly clock: Clock;
  readonly steps: Steps;
  /** Resolves once what has been journaled by now was routed. */
  readonly arrived: () => Promise<void>;
}

const keyOf = (origin: ServerName, id: EnvelopeId): string => `${origin} ${id}`;

export class Inbox implements Mailbox {
  readonly #store: InboxStore;
  readonly #doorway: Doorway;
  readonly #lives: Lives;
  readonly #clock: Clock;
  readonly #steps: Steps;
  readonly #arrived: () => Promise<void>;
  /** What this run accepted and handed to nobody: (origin, id) → its end. What an earlier run left it may have handed over. */
  readonly #untouched = new Map<string, number>();

  constructor({ store, doorway, lives, clock, steps, arrived }: InboxOptions) {
    this.#store = store;
    this.#doorway = doorway;
    this.#lives = lives;
    this.#clock = clock;
    this.#steps = steps;
    this.#arrived = arrived;
  }

  /** Keeps and offers an envelope; resolves when it is on disk. A repeated one changes nothing. Throws `overloaded`, `database`. */
  async accept(origin: ServerName, to: DeviceAddress, envelope: Envelope, deadline: number): Promise<'accepted' | 'duplicate'> {
    const { id, type, from } = envelope;
    const row: InboxRow = { origin, id, type, to, from, expires: deadline, encoded: encodeEnvelope(envelope) };
    const key = keyOf(origin, id);
    const isNew = !this.#untouched.has(key);
    // Before it is there: a device that connects at this moment gets it before `accept` comes back.
    this.#untouched.set(key, deadline);
    // Rows that take each other's place go unheard, and may have a week to live.
    if (this.#untouched.size > LIMITS.untouchedRows) this.#untouched.delete(this.#untouched.keys().next().value!);
    const begun = this.#clock.monotonic();
    let result: 'accepted' | 'duplicate' | 'full' | undefined;
    try {
      result = await this.#store.accept({ origin, id, forgetAt: deadline + LIMITS.seenMarginMs }, row);
    } finally {
      if (isNew && result !== 'accepted') this.#untouched.delete(key);
    }
    if (result === 'full') throw new VollyError('overloaded', 'inbox');
    if (result === 'duplicate') return result;
    this.#steps.step('routed', envelope, { ms: this.#clock.monotonic() - begun });
    this.#doorway.deliver(to, envelope);
    return result;
  }

  seen(origin: ServerName, id: EnvelopeId): Promise<boolean> {
    return this.#store.seen(origin, id);
  }

  /** For what has been answered and is kept for nobody. */
  async remember(origin: ServerName, id: EnvelopeId, deadline: number): Promise<void> {
    const result = await this.#store.accept({ origin, id, forgetAt: deadline + LIMITS.seenMarginMs });
    if (result === 'full') throw new VollyError('overloaded', 'inbox');
  }

  async waiting(device: DeviceAddress): Promise<readonly Envelope[]> {
    // Or an app would ring for an offer whose hangup is here and on its way to it.
    await atMost(this.#clock, ARRIVED_MS, this.#arrived());
    const rows = await this.#store.waiting(device);
    // What is past its end by now waits only for its sender to be told, or was told of while the store was read.
    const now = this.#lives.now();
    return rows.filter((row) => row.expires > now).map((row) => decodeEnvelope(row.encoded));
  }

  handed(envelope: Passing): void {
    this.#untouched.delete(keyOf(serverOfAddress(envelope.from), envelope.id));
    this.#steps.step('delivered', envelope);
  }

  /** Of a row that nobody took. */
  mayHaveArrived({ origin, id }: Pick<InboxRow, 'origin' | 'id'>): boolean {
    return !this.#untouched.has(keyOf(origin, id));
  }

  /** Rows end without a word to this class. Called now and then. */
  tidy(): void {
    const now = this.#lives.now();
    for (const [key, end] of this.#untouched) if (end + LIMITS.seenMarginMs <= now) this.#untouched.delete(key);
  }

  async taken(device: DeviceAddress, envelope: Passing): Promise<void> {
    const waited = await this.#store.taken(device, serverOfAddress(envelope.from), envelope.id);
    if (waited) this.#steps.step('taken', envelope);
  }
}
