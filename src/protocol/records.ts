/**
 * The record layer, PROTOCOL.md section 14.5: what follows the server hello is sealed under its sender's key block, counted from 0.
 *
 * These two are objects and not states passed in and out: a state that somebody kept a copy of would seal twice under one
 * nonce, and here there is nothing to copy. Times are of a monotonic clock, in milliseconds.
 */
import type { Bytes } from '../bytes.ts';
import { utf8 } from '../bytes.ts';
import { AEAD_KEY_BYTES, type AeadKey, aeadKey, openAt, sealAt } from '../crypto/aead.ts';
import { hkdfSha256 } from '../crypto/hash.ts';
import { assertLength, type Provider } from '../crypto/primitives.ts';
import { VollyError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { decodeFrames, encodeFrames, type Frame } from './frames.ts';

const EMPTY = new Uint8Array(0);
const UPDATE = utf8('volly/1/gateway/update');

/** One direction's key: knows how many records it has served, and how to become its successor. */
class Epoch {
  readonly #block: Uint8Array;
  readonly key: AeadKey;
  count = 0;

  /** 44 bytes, copied. */
  constructor(block: Uint8Array) {
    assertLength(block, AEAD_KEY_BYTES, 'a key block');
    this.#block = block.slice();
    this.key = aeadKey(block);
  }

  /** The seq of the next record. Throws `open_failed` past the last one. */
  take(): number {
    if (this.count >= LIMITS.recordsPerKey) throw new VollyError('open_failed', 'key used up');
    return this.count++;
  }

  /** Erases this one: what was sent under it stays closed to whoever takes the memory later. */
  successor(): Epoch {
    const block = hkdfSha256({ ikm: this.#block, salt: EMPTY, info: UPDATE, length: AEAD_KEY_BYTES });
    for (const secret of [this.#block, this.key.key, this.key.baseNonce]) secret.fill(0);
    const next = new Epoch(block);
    block.fill(0);
    return next;
  }
}

export class RecordSender {
  readonly #provider: Provider;
  #epoch: Epoch;
  #since: number;

  constructor(provider: Provider, block: Uint8Array, now: number) {
    this.#provider = provider;
    this.#epoch = new Epoch(block);
    this.#since = now;
  }

  /** One handshake message. */
  seal(plaintext: Uint8Array): Bytes {
    return sealAt(this.#provider, this.#epoch.key, this.#epoch.take(), EMPTY, plaintext);
  }

  /**
   * One record of at most 255 frames, as `packFrames` makes them. The last record that a key may seal, by number or by its age,
   * ends with `key_update`.
   */
  sealFrames(frames: readonly Frame[], now: number): Bytes {
    const due = this.#epoch.count + 1 >= LIMITS.recordsPerKey || now - this.#since >= LIMITS.keyLifeMs;
    if (!due) return this.seal(encodeFrames(frames));
    const record = this.seal(encodeFrames([...frames, { kind: 'key_update' }]));
    this.#epoch = this.#epoch.successor();
    this.#since = now;
    return record;
  }
}

export class RecordReceiver {
  readonly #provider: Provider;
  #epoch: Epoch;

  constructor(provider: Provider, block: Uint8Array) {
    this.#provider = provider;
    this.#epoch = new Epoch(block);
  }

  /** One handshake message. Throws `open_failed`; the connection is over then. */
  open(record: Uint8Array): Bytes {
    return openAt(this.#provider, this.#epoch.key, this.#epoch.take(), EMPTY, record);
  }

  /** Follows key updates, which are not among the frames it returns. Throws `open_failed`, `bad_encoding`. */
  openFrames(record: Uint8Array): Frame[] {
    const frames = decodeFrames(this.open(record));
    if (frames.at(-1)?.kind === 'key_update') {
      frames.pop();
      this.#epoch = this.#epoch.successor();
    }
    return frames;
  }
}
