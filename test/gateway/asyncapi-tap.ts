/** What the codec seals, kept beside its ciphertext: with it, what a wire carried can be read as both ends read it. */
import { type Cbor, decodeCbor } from '../../src/protocol/cbor.ts';
import { RecordSender } from '../../src/protocol/records.ts';
import type { Way } from './asyncapi-check.ts';
import type { Wire } from './wire.ts';

const key = (record: Uint8Array): string => Buffer.from(record).toString('latin1');

export interface Tapped {
  readonly way: Way;
  /** A hello or an early error; a side's first record; any further one. */
  readonly layer: 'plain' | 'proof' | 'frames';
  readonly value: readonly Cbor[];
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

  /** All that was handed to the wire, in order. */
  read(wire: Wire): Tapped[] {
    return wire.log.map(({ way, message }) => {
      const sealed = this.#plaintexts.get(key(message));
      const value = decodeCbor(sealed ?? message) as readonly Cbor[];
      return { way, layer: sealed ? (Array.isArray(value[0]) ? 'frames' : 'proof') : 'plain', value };
    });
  }
}
