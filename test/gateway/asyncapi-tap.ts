/** What the codec seals, kept beside its ciphertext: with it, what a wire carried can be read as both ends read it. */
import { type Cbor, decodeCbor } from '../../src/protocol/cbor.ts';
import { RecordSender } from '../../src/protocol/records.ts';
import type { Way } from './asyncapi-check.ts';
import type { Wire } from './wire.ts';

const key = (record: Uint8Array): string => Buffer.from(record).toString('latin1');

export interface Tapped {
  readonly way: Way;
  readonly layer: 'handshake' | 'record';
  readonly value: readonly Cbor[];
  readonly plaintext: Uint8Array;
}

export class CodecTap {
  readonly #plaintexts = new Map<string, Uint8Array>();
  readonly #seal = RecordSender.prototype.seal;

  constructor() {
    const [plaintexts, seal] = [this.#plaintexts, this.#seal];
    RecordSender.prototype.seal = function (plaintext) {
      const record = seal.call(this, plaintext);
      plaintexts.set(key(record), plaintext.slice());
      return record;
    };
  }

  remove(): void {
    RecordSender.prototype.seal = this.#seal;
  }

  /** All that was handed to the wire, in order. The hellos and an early error are plain; the first record of a side is the handshake's. */
  read(wire: Wire): Tapped[] {
    return wire.log.map(({ way, message }) => {
      const plaintext = this.#plaintexts.get(key(message)) ?? message;
      const value = decodeCbor(plaintext) as readonly Cbor[];
      return { way, layer: Array.isArray(value[0]) ? 'record' : 'handshake', value, plaintext };
    });
  }
}
