/** The statement by which a community key vouches for a legacy member's keys. PROTOCOL.md section 16. */
import type { Bytes } from '../bytes.ts';
import { compositeSign } from '../crypto/composite.ts';
import type { Provider } from '../crypto/primitives.ts';
import { LEGACY_DEVICE, type MemberId, parseMemberId } from '../ids.ts';
import { asArray, asBytes, asOneOf, asText, asUint, decodeCbor, encodeCbor } from './cbor.ts';
import type { Signed } from './list.ts';
import { CONTEXT, HASH_BYTES } from './suite.ts';

export interface LegacyStatement {
  readonly member: MemberId;
  readonly dikHash: Bytes;
  readonly version: number;
  /** Unix time in milliseconds. */
  readonly expires: number;
}

/** Shape only. Throws `bad_encoding`, `bad_address`. */
export function decodeLegacyStatement(bytes: Uint8Array): LegacyStatement {
  const fields = asArray(decodeCbor(bytes), 'legacy statement', 5);
  asOneOf(fields[1], 'device', [LEGACY_DEVICE]);
  return {
    member: parseMemberId(asText(fields[0], 'member')),
    dikHash: asBytes(fields[2], 'dik_hash', HASH_BYTES),
    version: asUint(fields[3], 'version'),
    expires: asUint(fields[4], 'expires'),
  };
}

/** `communitySeed` has 64 bytes. */
export function makeLegacyStatement(provider: Provider, communitySeed: Uint8Array, statement: LegacyStatement): Signed {
  const { member, dikHash, version, expires } = statement;
  const bytes = encodeCbor([member, LEGACY_DEVICE, dikHash, version, expires]);
  return { bytes, signature: compositeSign(provider, communitySeed, bytes, CONTEXT.legacy) };
}
