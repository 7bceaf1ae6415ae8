/**
 * Writes down what is promised, durable, shown and told, and finds at once what must never be. What can only be said at the end is in
 * invariants.ts.
 */
import { type ErrorCode, isErrorCode } from '../../src/errors.ts';
import { bridgeUserOf, type DeviceAddress, type EnvelopeId, type ServerName } from '../../src/ids.ts';
import { type Envelope, serverOfAddress } from '../../src/protocol/envelope.ts';
import type { InboxRow } from '../../src/storage/types.ts';
import type { Message } from './homeserver.ts';

/** The life of one envelope that a device handed to its bridge. */
export interface Story {
  readonly envelope: Envelope;
  readonly from: DeviceAddress;
  readonly sentAt: number;
  /** Its end, in true time, by its sender's clock. */
  readonly endsAt: number;
  /** How often it was handed over. */
  attempts: number;
  /** `route` resolved: from here on an end is promised. */
  accepted: boolean;
  refused: ErrorCode | undefined;
  /** A subscribe: another of the same two may have taken its place, whichever came last. */
  replaced: boolean;
  readonly shownAt: number[];
  /** When the device last said to its bridge that it took it. */
  settledAt: number;
  /** What it said is durable. */
  taken: boolean;
  /** The end's id → its reason, when the app opened it. */
  readonly told: Map<EnvelopeId, { readonly reason: ErrorCode; readonly at: number }>;
}

export interface LedgerOptions {
  readonly now: () => number;
  readonly violated: (what: string) => void;
}

/** Ids are their senders' to choose: only with its server does one name an envelope. */
const keyOf = (origin: ServerName, id: EnvelopeId): string => `${origin} ${id}`;
const keyOfEnvelope = (envelope: Pick<Envelope, 'from' | 'id'>): string => keyOf(serverOfAddress(envelope.from), envelope.id);

export class Ledger {
  readonly stories = new Map<EnvelopeId, Story>();
  /** What a bridge remembers or remembered, durably: `server origin id`. */
  readonly #remembered = new Set<string>();
  /** `device origin id`. */
  readonly #taken = new Set<string>();
  readonly #journaled = new Set<Message>();
  /** Ids of ends that bridges sent. */
  readonly #ends = new Set<EnvelopeId>();
  readonly #options: LedgerOptions;

  constructor(options: LedgerOptions) {
    this.#options = options;
  }

  handedOver(envelope: Envelope, from: DeviceAddress, endsAt: number): void {
    const sentAt = this.#options.now();
    const isSame = (other: Story): boolean =>
      other.envelope.type === envelope.type && other.from === from && other.envelope.to === envelope.to;
    const same = envelope.type === 'app.volly.presence.subscribe' ? [...this.stories.values()].filter(isSame) : [];
    for (const other of same) other.replaced = true;
    const fresh = {
      attempts: 0,
      accepted: false,
      refused: undefined,
      replaced: same.length > 0,
      settledAt: Number.POSITIVE_INFINITY,
      taken: false,
    };
    this.stories.set(envelope.id, { envelope, from, sentAt, endsAt, ...fresh, shownAt: [], told: new Map() });
  }

  /** An app opened it. */
  shown(device: DeviceAddress, envelope: Envelope): void {
    const { now, violated } = this.#options;
    if (envelope.type === 'app.volly.undeliverable') {
      const story = this.stories.get(envelope.envelope);
      if (!story || story.from !== device) violated(`${device} was told the end of what it did not send`);
      else if (isErrorCode(envelope.reason)) story.told.set(envelope.id, { reason: envelope.reason, at: now() });
    } else this.stories.get(envelope.id)?.shownAt.push(now());
  }

  /**
   * Section 14.5: an envelope that was settled is settled. It may come again only where the bridge was not told, or not durably. The junction
   * brings it to a device, at once or from what waits on the disk.
   */
  brought(device: DeviceAddress, envelope: Pick<Envelope, 'type' | 'from' | 'id'>): void {
    if (this.#taken.has(`${device} ${keyOfEnvelope(envelope)}`))
      this.#options.violated(`${envelope.type} ${envelope.id} is brought to ${device} again after it was taken`);
  }

  /** The device says that it took it; not durable yet. */
  settling(envelope: Envelope): void {
    const story = this.stories.get(envelope.id);
    if (story) story.settledAt = this.#options.now();
  }

  /** Something was read from the disk of `server`, or a change is durable there. */
  onDisk(server: ServerName, store: string, method: string, args: readonly unknown[], result: unknown): void {
    if (store === 'inbox' && method === 'accept' && result !== 'full') {
      const { origin, id } = args[0] as { origin: ServerName; id: EnvelopeId };
      this.#remembered.add(`${server} ${keyOf(origin, id)}`);
    }
    if (store === 'inbox' && method === 'taken' && result === true) {
      const [device, origin, id] = args as [DeviceAddress, ServerName, EnvelopeId];
      this.#taken.add(`${device} ${keyOf(origin, id)}`);
      const story = this.stories.get(id);
      if (story && serverOfAddress(story.from) === origin) story.taken = true;
    }
    if (store === 'inbox' && method === 'waiting')
      for (const row of result as readonly InboxRow[])
        if (this.#taken.has(`${row.to} ${keyOf(row.origin, row.id)}`))
          this.#options.violated(`${row.type} ${row.id} waits for ${row.to} after it was taken`);
    if (store === 'quarantine' && method === 'add')
      this.#options.violated(`${server} quarantined ${(args[0] as { code: string }).code}`);
  }

  journaled(messages: readonly Message[]): void {
    for (const message of messages) this.#journaled.add(message);
  }

  /** ARCHITECTURE.md, "Nothing lost": only what is journaled may the homeserver forget. Its own echo, which proves the receiver, is no envelope. */
  forgotten(server: ServerName, message: Message): void {
    if (message.sender === bridgeUserOf(server)) return;
    if (!this.#journaled.has(message))
      this.#options.violated(`${server}'s homeserver was let forget what is in no journal: ${message.type}`);
  }

  /**
   * Section 15: an ack means journaled. Not said of ends: one that names what is not known any more, or is just being told by the own bridge,
   * "is acked and changes nothing". That none is lost shows at the end.
   */
  leaving(server: ServerName, peer: ServerName, envelope: Envelope): void {
    if (envelope.type === 'app.volly.undeliverable') this.#ends.add(envelope.id);
    if (envelope.type !== 'app.volly.ack') return;
    for (const id of envelope.acks)
      if (!this.#ends.has(id) && !this.#remembered.has(`${server} ${keyOf(peer, id)}`))
        this.#options.violated(`${server} acknowledges ${id} of ${peer}, which is not durable there`);
  }

  /** Section 14.5: a device hears that its offer arrived once the other bridge has it. */
  delivered(id: EnvelopeId): void {
    const envelope = this.stories.get(id)?.envelope;
    if (!envelope || !this.isRemembered(serverOfAddress(envelope.to), envelope))
      this.#options.violated(`${id} is said to be delivered and is not`);
  }

  /** Whether the bridge of `server` knows it, now or once. */
  isRemembered(server: ServerName, envelope: Envelope): boolean {
    return this.#remembered.has(`${server} ${keyOfEnvelope(envelope)}`);
  }
}
