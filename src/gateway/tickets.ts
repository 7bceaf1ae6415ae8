/**
 * Resumption, PROTOCOL.md section 14.4. Of a ticket the bridge keeps its hash, and the psk sealed under the ticket itself: whoever
 * reads the database can neither present a ticket nor open a recorded connection.
 */
import { type Bytes, utf8 } from '../bytes.ts';
import type { Clock, RandomBytes } from '../clock.ts';
import { AEAD_KEY_BYTES, aeadKey, openAt, sealAt } from '../crypto/aead.ts';
import { hkdfSha256, sha256 } from '../crypto/hash.ts';
import type { Provider } from '../crypto/primitives.ts';
import type { DeviceAddress } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import { asArray, asBytes, asUint, decodeCbor, encodeCbor } from '../protocol/cbor.ts';
import { TICKET_BYTES } from '../protocol/handshake.ts';
import { HASH_BYTES } from '../protocol/suite.ts';
import type { TicketStore } from '../storage/types.ts';

export interface Resumable {
  readonly device: DeviceAddress;
  /** What the device was admitted with; it must still hold. */
  readonly dikHash: Uint8Array;
  /** H(the list the device knows). */
  readonly knownList: Uint8Array;
  /** Of the last full handshake, Unix ms: every ticket after it ends 24 h from then. */
  readonly fullAt: number;
  /** 32 bytes. */
  readonly psk: Uint8Array;
}

const INFO = utf8('volly/1/gateway/ticket');
const EMPTY = new Uint8Array(0);

/** A ticket is random and seals one state, so seq 0 is used once. */
const keyOf = (ticket: Uint8Array) => aeadKey(hkdfSha256({ ikm: ticket, salt: EMPTY, info: INFO, length: AEAD_KEY_BYTES }));

export class Tickets {
  readonly #provider: Provider;
  readonly #random: RandomBytes;
  readonly #clock: Clock;
  readonly #store: TicketStore;

  constructor(options: { provider: Provider; random: RandomBytes; clock: Clock; store: TicketStore }) {
    this.#provider = options.provider;
    this.#random = options.random;
    this.#clock = options.clock;
    this.#store = options.store;
  }

  /** 32 bytes, durable when it resolves: only then is it sent. */
  async issue({ device, dikHash, knownList, fullAt, psk }: Resumable): Promise<Bytes> {
    const ticket = this.#random(TICKET_BYTES);
    const state = sealAt(this.#provider, keyOf(ticket), 0, EMPTY, encodeCbor([psk, dikHash, knownList, fullAt]));
    await this.#store.add({ hash: sha256(ticket), device, state, expires: fullAt + LIMITS.ticketLifeMs });
    return ticket;
  }

  /** All of a device. */
  async revoke(device: DeviceAddress): Promise<void> {
    await this.#store.revoke(device);
  }

  /** Consumed durably when it resolves, whatever comes of it. Undefined for one that is unknown, used, or past its end. */
  async redeem(ticket: Uint8Array): Promise<Resumable | undefined> {
    const row = await this.#store.use(sha256(ticket), this.#clock.now());
    if (!row) return undefined;
    const state = asArray(decodeCbor(openAt(this.#provider, keyOf(ticket), 0, EMPTY, row.state)), 'ticket', 4);
    return {
      device: row.device,
      psk: asBytes(state[0], 'psk', 32),
      dikHash: asBytes(state[1], 'dik_hash', HASH_BYTES),
      knownList: asBytes(state[2], 'list hash', HASH_BYTES),
      fullAt: asUint(state[3], 'full_at'),
    };
  }
}
