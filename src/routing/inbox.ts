/** Envelopes for own devices: remembered, kept until the app takes them, ended when nobody does. */
import { VollyError } from '../errors.ts';
import type { DeviceAddress, EnvelopeId, ServerName } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import { type Address, decodeEnvelope, type Envelope, encodeEnvelope, serverOfAddress } from '../protocol/envelope.ts';
import type { InboxRow, InboxStore } from '../storage/types.ts';
import type { Doorway, Mailbox } from './ports.ts';

/** Rows ended in one commit. */
const PORTION = 100;

export class Inbox implements Mailbox {
  readonly #store: InboxStore;
  readonly #doorway: Doorway;

  constructor(store: InboxStore, doorway: Doorway) {
    this.#store = store;
    this.#doorway = doorway;
  }

  /** Keeps and offers an envelope; resolves when it is on disk. A repeated one changes nothing. Throws `overloaded`, `database`. */
  async accept(origin: ServerName, to: DeviceAddress, envelope: Envelope, deadline: number): Promise<'accepted' | 'duplicate'> {
    const { id, type, from } = envelope;
    const row: InboxRow = { origin, id, type, to, from, expires: deadline, encoded: encodeEnvelope(envelope) };
    const result = await this.#store.accept({ origin, id, forgetAt: deadline + LIMITS.seenMarginMs }, row);
    if (result === 'full') throw new VollyError('overloaded', 'inbox');
    if (result === 'accepted') this.#doorway.deliver(to, envelope);
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
    return (await this.#store.waiting(device)).map((row) => decodeEnvelope(row.encoded));
  }

  async taken(device: DeviceAddress, envelope: { readonly id: EnvelopeId; readonly from: Address }): Promise<void> {
    await this.#store.taken(device, serverOfAddress(envelope.from), envelope.id);
  }

  /** Removes and returns what nobody took by `now`. */
  async expire(now: number): Promise<readonly InboxRow[]> {
    const rows: InboxRow[] = [];
    let portion: readonly InboxRow[];
    do {
      portion = await this.#store.expire(now, PORTION);
      rows.push(...portion);
    } while (portion.length === PORTION);
    return rows;
  }
}
