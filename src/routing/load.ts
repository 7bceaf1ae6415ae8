/** Whose envelopes take how much of the outbox's memory: neither one member, nor one peer, nor all peers together fill it for all. */
import type { MemberId, ServerName } from '../ids.ts';
import { memberOf } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import { isAcked } from '../protocol/envelope.ts';
import type { OutboxRow } from '../storage/types.ts';

type Weighed = Pick<OutboxRow, 'peer' | 'type' | 'from' | 'encoded'>;

/** Sums by name, without names that have nothing. */
class Sums<K> {
  readonly #of = new Map<K, number>();

  get size(): number {
    return this.#of.size;
  }

  of(name: K): number {
    return this.#of.get(name) ?? 0;
  }

  add(name: K, change: number): void {
    const sum = this.of(name) + change;
    if (sum === 0) this.#of.delete(name);
    else this.#of.set(name, sum);
  }
}

/** Of what a device sent. What the bridge itself says, bundles that a peer asked for among it, is on the peer's account alone. */
const accountOf = ({ from }: Weighed): MemberId | undefined =>
  from.includes('/') ? memberOf(from as Parameters<typeof memberOf>[0]) : undefined;

/** What peers make the bridge say and may leave unacknowledged: bundles and ends. Its acks are gone in a moment. */
const isAnswer = (row: Weighed): boolean => accountOf(row) === undefined && isAcked(row.type);

export class Load {
  #bytes = 0;
  #ofAnswers = 0;
  readonly #ofPeer = new Sums<ServerName>();
  readonly #ofMember = new Sums<MemberId>();
  /** Member → peers that something of it waits for, with how much. */
  readonly #reach = new Map<MemberId, Sums<ServerName>>();

  get bytes(): number {
    return this.#bytes;
  }

  hasRoom(row: Weighed): boolean {
    const { length } = row.encoded;
    if (this.#bytes + length > LIMITS.outboxBytes || this.#ofPeer.of(row.peer) + length > LIMITS.outboxBytesPerPeer) return false;
    const member = accountOf(row);
    if (isAnswer(row)) return this.#ofAnswers + length <= LIMITS.outboxBytesOfAnswers;
    if (member === undefined) return true;
    const reach = this.#reach.get(member);
    if (reach && reach.of(row.peer) === 0 && reach.size >= LIMITS.peersPerMember) return false;
    return this.#ofMember.of(member) + length <= LIMITS.outboxBytesPerMember;
  }

  add(row: Weighed): void {
    this.#change(row, row.encoded.length);
  }

  remove(row: Weighed): void {
    this.#change(row, -row.encoded.length);
  }

  #change(row: Weighed, bytes: number): void {
    this.#bytes += bytes;
    if (isAnswer(row)) this.#ofAnswers += bytes;
    this.#ofPeer.add(row.peer, bytes);
    const member = accountOf(row);
    if (member === undefined) return;
    this.#ofMember.add(member, bytes);
    const reach = this.#reach.get(member) ?? new Sums<ServerName>();
    reach.add(row.peer, bytes);
    if (reach.size === 0) this.#reach.delete(member);
    else this.#reach.set(member, reach);
  }
}
