/** What waits for a peer, in memory, and which of it goes into the next event. */
import type { EnvelopeId, ServerName } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import { type Address, type Envelope, type EnvelopeType, encodeEnvelope, serverOfAddress } from '../protocol/envelope.ts';
import type { OutboxRow } from '../storage/types.ts';
import { URGENT } from './haste.ts';

export interface Entry {
  readonly id: EnvelopeId;
  readonly peer: ServerName;
  readonly type: EnvelopeType;
  readonly from: Address;
  readonly to: Address;
  /** Every transmission is these bytes. */
  readonly encoded: string;
  /** On the clock of Lives. */
  readonly deadline: number;
  /** False: forgotten as soon as a request with it has succeeded. */
  readonly acked: boolean;
  /** Of presence: a newer entry of the same key takes the place of a queued older one. */
  readonly key?: string;
  readonly since: number;
  /** When it is queued again, unless acknowledged. */
  dueAt: number;
  tries: number;
  /** When the first request with it had succeeded; unknown again where the peer was silent so long that an ack tells nothing of the path. */
  sentAt?: number | undefined;
  /** By which carrier that was. */
  carrier?: string;
  /** Since when it could be acknowledged: the last request with it had succeeded, or the peer was heard again after a silence. */
  answerableAt?: number;
  /** Whether any transmission may have reached the peer. */
  left: boolean;
  sending: boolean;
}

export function rowOf(envelope: Envelope, deadline: number): OutboxRow {
  const { id, type, from, to } = envelope;
  return { id, peer: serverOfAddress(to), type, from, to, expires: deadline, encoded: encodeEnvelope(envelope) };
}

export function entryOf(row: OutboxRow, now: number): Omit<Entry, 'acked' | 'key'> {
  const { id, peer, type, from, to, encoded, expires: deadline } = row;
  return {
    id,
    peer,
    type,
    from: from as Address,
    to: to as Address,
    encoded,
    deadline,
    since: now,
    dueAt: now,
    tries: 0,
    left: false,
    sending: false,
  };
}

/** First in, first out, of one type at a time. */
export class ReadyQueue {
  readonly #types = new Map<EnvelopeType, { readonly entries: Set<Entry>; bytes: number }>();
  /** All of them, longest waiting first. */
  readonly #order = new Set<Entry>();
  readonly #keys = new Map<string, Entry>();

  get size(): number {
    return this.#order.size;
  }

  has(entry: Entry): boolean {
    return this.#order.has(entry);
  }

  /** Returns the older entry whose place this one took. */
  add(entry: Entry): Entry | undefined {
    if (this.#order.has(entry)) return undefined;
    const older = entry.key === undefined ? undefined : this.#keys.get(entry.key);
    if (older) this.delete(older);
    if (entry.key !== undefined) this.#keys.set(entry.key, entry);
    const type = this.#types.get(entry.type) ?? { entries: new Set(), bytes: 0 };
    this.#types.set(entry.type, type);
    type.entries.add(entry);
    type.bytes += entry.encoded.length;
    this.#order.add(entry);
    return older;
  }

  delete(entry: Entry): void {
    const type = this.#types.get(entry.type);
    if (!type?.entries.delete(entry)) return;
    type.bytes -= entry.encoded.length;
    if (type.entries.size === 0) this.#types.delete(entry.type);
    this.#order.delete(entry);
    if (entry.key !== undefined && this.#keys.get(entry.key) === entry) this.#keys.delete(entry.key);
  }

  /** Whether some type alone fills an event. */
  hasWholeEvent(): boolean {
    for (const { entries, bytes } of this.#types.values())
      if (bytes >= LIMITS.eventBytes || entries.size >= LIMITS.envelopesPerEvent) return true;
    return false;
  }

  /** Takes the longest waiting entry and those of its type behind it, as far as one event goes. */
  take(): readonly Entry[] {
    const first = this.#order.values().next().value;
    return first ? this.#takeOf(first.type) : [];
  }

  /** Takes the longest waiting entry alone. */
  takeOne(): readonly Entry[] {
    const first = this.#order.values().next().value;
    if (first) this.delete(first);
    return first ? [first] : [];
  }

  /** As `takeOne`, of those that the peer acknowledges if there are any. */
  takeOneAcked(): readonly Entry[] {
    for (const entry of this.#order) {
      if (!entry.acked) continue;
      this.delete(entry);
      return [entry];
    }
    return this.takeOne();
  }

  /** As `take`, of the types that do not stand behind others. */
  takeUrgent(): readonly Entry[] {
    const type = URGENT.find((urgent) => this.#types.has(urgent));
    return type ? this.#takeOf(type) : [];
  }

  #takeOf(type: EnvelopeType): readonly Entry[] {
    const event: Entry[] = [];
    let bytes = 0;
    for (const entry of this.#types.get(type)!.entries) {
      bytes += entry.encoded.length;
      // What does not fit ends the event, so that nothing overtakes within its type.
      if (bytes > LIMITS.eventBytes || event.length === LIMITS.envelopesPerEvent) break;
      event.push(entry);
    }
    for (const entry of event) this.delete(entry);
    return event;
  }
}
