/**
 * Envelopes on their way down to one device: what waited, then what comes, in order, as far as the window and the socket let it.
 * The mailbox keeps what is not taken, so nothing is lost here; this only decides what is sent when (PROTOCOL.md section 14.5).
 */
import { utf8 } from '../bytes.ts';
import { VollyError } from '../errors.ts';
import type { DeviceAddress } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import type { Channel } from '../protocol/channel.ts';
import { type Envelope, encodeEnvelope, serverOfAddress } from '../protocol/envelope.ts';
import type { Mailbox } from '../routing/ports.ts';

/** Ids are chosen by their senders: only with its server does one name an envelope. */
const keyOf = ({ from, id }: Pick<Envelope, 'from' | 'id'>): string => `${serverOfAddress(from)} ${id}`;

/** Kept nowhere, and a newer update of one device makes an older one worthless: it takes its place in the queue. */
const isPresence = ({ type }: Envelope): boolean => type === 'app.volly.presence';
const placeOf = (envelope: Envelope): string => (isPresence(envelope) ? `presence ${envelope.from}` : keyOf(envelope));

/** Each is remembered as long as the connection lives. */
const MAX_REFUSED = 2 * LIMITS.inboxPerDevice;

export interface DownwardOptions {
  readonly device: DeviceAddress;
  readonly mailbox: Mailbox;
  readonly channel: Pick<Channel<Envelope>, 'room' | 'sendNumbered' | 'send'>;
  /** Bytes that the socket would still take now. */
  readonly budget: () => number;
  /** The mailbox cannot be read: what is in it would not be sent. */
  readonly failed: (error: unknown) => void;
  /** What the device took stays in the mailbox, and comes again with the next connection. */
  readonly untaken: (error: unknown) => void;
  /** The device refuses without end. */
  readonly tired: () => void;
}

export class Downward {
  readonly #options: DownwardOptions;
  readonly #queue = new Map<string, Envelope>();
  /** Sent on this connection and still in the mailbox, as far as is known: not to be queued again. */
  readonly #sent = new Set<string>();
  /** Settled during a read, which may still show them. */
  #settled: Set<string> | undefined;
  /** By their frames' numbers: what the device may still take. */
  readonly #refused = new Map<number, Pick<Envelope, 'id' | 'from'>>();
  /** Something was left in the mailbox because the queue was full. */
  #behind = false;
  /** Of what waited at the start, how much is not sent yet; undefined while it is being read. */
  #waiting: number | undefined;
  #caughtUp = false;

  constructor(options: DownwardOptions) {
    this.#options = options;
  }

  /** Reads what waits. What is offered meanwhile comes after it. */
  async start(): Promise<void> {
    const waiting = await this.#read();
    this.#waiting = waiting;
    this.pump();
  }

  offer(envelope: Envelope): void {
    const place = placeOf(envelope);
    if (this.#sent.has(place)) return;
    if (this.#queue.size >= LIMITS.inboxPerDevice && !this.#queue.has(place)) {
      this.#behind ||= !isPresence(envelope);
      return;
    }
    this.#queue.set(place, envelope);
    this.pump();
  }

  /** The device took it, or could not now (`refused` = its frame's number): that stays in the mailbox, and away from this connection. */
  settled(envelope: Envelope, refused: number | undefined): void {
    this.#settled?.add(keyOf(envelope));
    if (isPresence(envelope)) this.#sent.delete(keyOf(envelope));
    else if (refused === undefined) this.#remove(envelope);
    else this.#refused.set(refused, { id: envelope.id, from: envelope.from });
    if (this.#refused.size > MAX_REFUSED) this.#options.tired();
    else this.pump();
  }

  /** What it had refused in frame n it took after all. Throws `bad_encoding` where it had not. */
  taken(n: number): void {
    const envelope = this.#refused.get(n);
    if (!envelope) throw new VollyError('bad_encoding', 'taken');
    this.#refused.delete(n);
    this.#remove(envelope);
  }

  #remove(envelope: Pick<Envelope, 'id' | 'from'>): void {
    const { device, mailbox, untaken } = this.#options;
    mailbox.taken(device, envelope).then(() => this.#sent.delete(keyOf(envelope)), untaken);
  }

  /** Sends what may be sent: called whenever that may have grown. */
  pump(): void {
    const { channel, budget } = this.#options;
    if (this.#waiting === undefined) return;
    let bytes = budget();
    for (const [place, envelope] of this.#queue) {
      if (channel.room === 0 || bytes <= 0) return;
      this.#queue.delete(place);
      this.#sent.add(keyOf(envelope));
      bytes -= this.#send(envelope);
      if (this.#waiting > 0) this.#waiting--;
      this.#sayCaughtUp();
    }
    this.#sayCaughtUp();
    if (this.#behind && !this.#settled) void this.#read().then(() => this.pump());
  }

  /** Returns its size. What cannot be encoded was not checked by whoever offered it: it stays behind, and the rest goes on. */
  #send(envelope: Envelope): number {
    try {
      const encoded = utf8(encodeEnvelope(envelope));
      this.#options.mailbox.handed(envelope);
      this.#options.channel.sendNumbered({ kind: 'envelope', envelope: encoded }, envelope);
      return encoded.length;
    } catch (error) {
      this.#options.untaken(error);
      return 0;
    }
  }

  #sayCaughtUp(): void {
    if (this.#caughtUp || this.#waiting !== 0) return;
    this.#caughtUp = true;
    this.#options.channel.send({ kind: 'caught_up' });
  }

  /** Puts what waits and was not sent at the head of the queue. Returns how much that is. */
  async #read(): Promise<number> {
    const { mailbox, device, failed } = this.#options;
    this.#behind = false;
    this.#settled = new Set();
    try {
      const rows = await mailbox.waiting(device);
      const offered = [...this.#queue];
      this.#queue.clear();
      for (const row of rows) {
        const key = keyOf(row);
        if (!this.#sent.has(key) && !this.#settled.has(key)) this.#queue.set(key, row);
      }
      const waiting = this.#queue.size;
      for (const [place, envelope] of offered) this.#queue.set(place, envelope);
      return waiting;
    } catch (error) {
      failed(error);
      return 0;
    } finally {
      this.#settled = undefined;
    }
  }
}
