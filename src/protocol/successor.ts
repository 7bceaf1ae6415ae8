/** How a community goes over to another key, and how apps follow. PROTOCOL.md section 14.7. */
import { type Bytes, equal } from '../bytes.ts';
import { COMPOSITE, compositeVerify, type Signer } from '../crypto/composite.ts';
import { sha256 } from '../crypto/hash.ts';
import type { Provider } from '../crypto/primitives.ts';
import { VollyError } from '../errors.ts';
import type { ServerName } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import { asArray, asBytes, asUint, type Cbor, decodeCbor, encodeCbor } from './cbor.ts';
import { CONTEXT } from './suite.ts';

export interface Successor {
  /** 1,984 bytes. */
  readonly oldKey: Bytes;
  /** Unix ms. */
  readonly time: number;
  /** By the old key, 3,373 bytes. */
  readonly signature: Bytes;
}

const statement = (server: ServerName, oldHash: Uint8Array, newHash: Uint8Array, time: number): Bytes =>
  encodeCbor([server, oldHash, newHash, time]);

/** `time` in Unix ms. Returns the encoded step, about 5.4 kB. */
export function signSuccessor(options: {
  readonly server: ServerName;
  readonly oldKey: Uint8Array;
  readonly sign: Signer;
  readonly newKey: Uint8Array;
  readonly time: number;
}): Bytes {
  const { server, oldKey, sign, newKey, time } = options;
  const signature = sign(statement(server, sha256(oldKey), sha256(newKey), time), CONTEXT.communitySuccessor);
  return encodeCbor([oldKey, time, signature]);
}

/** Throws `bad_encoding`. */
export function decodeSuccessor(step: Uint8Array): Successor {
  const [oldKey, time, signature] = asArray(decodeCbor(step), 'successor', 3);
  return {
    oldKey: asBytes(oldKey, 'old key', COMPOSITE.publicKey),
    time: asUint(time, 'time'),
    signature: asBytes(signature, 'signature', COMPOSITE.signature),
  };
}

/** The steps of a server hello. Throws `bad_encoding`. */
export const decodeSuccessors = (steps: Cbor | undefined): readonly Successor[] =>
  asArray(steps, 'successors', 0, LIMITS.communitySuccessors).map((step) => decodeSuccessor(asBytes(step, 'successor')));

/** Whether whoever pinned `pin` may take `key` (1,984 bytes) for its successor. Throws `wrong_community` where not. */
export function followSuccessors(
  provider: Provider,
  server: ServerName,
  { pin, key, steps }: { readonly pin: Uint8Array; readonly key: Uint8Array; readonly steps: readonly Successor[] },
): void {
  const first = steps.findIndex(({ oldKey }) => equal(sha256(oldKey), pin));
  if (first < 0) throw new VollyError('wrong_community', 'community key');
  for (const [i, { oldKey, time, signature }] of steps.entries()) {
    if (i < first) continue;
    const newHash = sha256(steps[i + 1]?.oldKey ?? key);
    if (
      !compositeVerify(provider, oldKey, statement(server, sha256(oldKey), newHash, time), CONTEXT.communitySuccessor, signature)
    )
      throw new VollyError('wrong_community', 'a successor that its predecessor did not sign');
  }
}
