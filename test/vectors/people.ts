/** The members of the vectors. */
import type { Bytes } from '../../src/bytes.ts';
import { compositePublicKey, compositeSigner } from '../../src/crypto/composite.ts';
import { sha256 } from '../../src/crypto/hash.ts';
import { LEGACY_DEVICE, type MemberId, parseDeviceId, parseMemberId } from '../../src/ids.ts';
import { encodeBundle } from '../../src/protocol/bundle.ts';
import type { LocalDevice, LocalPrekey } from '../../src/protocol/device.ts';
import { encodeIdentity } from '../../src/protocol/identity.ts';
import { makeLegacyStatement } from '../../src/protocol/legacy.ts';
import { decodeList, makeList, type Signed } from '../../src/protocol/list.ts';
import { makePrekey } from '../../src/protocol/prekey.ts';
import { draw, NOW, provider, randomOf } from './fixed.ts';

export const DAY = 86_400_000;

export interface Person {
  readonly member: MemberId;
  /** UIK, or the community key of a legacy member. */
  readonly root: Bytes;
  readonly rootSeed: Bytes;
  readonly list: Signed;
  readonly dik: Bytes;
  readonly prekey: LocalPrekey;
  readonly statement: Signed;
  readonly local: LocalDevice & { readonly dikSeed: Bytes };
  readonly identity: Bytes;
  readonly bundle: Bytes;
}

function build(label: string, name: string, deviceName: string, legacy: boolean): Person {
  const member = parseMemberId(name);
  const device = legacy ? LEGACY_DEVICE : parseDeviceId(deviceName);
  const rootSeed = draw(`${label}/${legacy ? 'community' : 'uik'}`, 64);
  const root = compositePublicKey(provider, rootSeed);
  const uikHash = sha256(root);
  const dikSeed = draw(`${label}/dik`, 64);
  const dik = compositePublicKey(provider, dikSeed);
  const dikHash = sha256(dik);
  const entries = [{ device, dikHash, notAfter: NOW + 365 * DAY }];
  const list = legacy
    ? makeLegacyStatement(provider, rootSeed, { member, dikHash, version: 3, expires: NOW + 30 * DAY })
    : makeList(provider, { member, uik: root, uikSeed: rootSeed, entries, now: NOW });
  const made = makePrekey(provider, randomOf(`${label}/prekey`), { member, device, uikHash, dikSeed, epoch: 5, now: NOW });
  const listVersion = legacy ? 3 : decodeList(list.bytes).version;
  const local = { member, device, uikHash, listVersion, dikHash, dikSeed, sign: compositeSigner(provider, dikSeed), prekeys: [made.prekey] };
  const community = legacy ? root : undefined;
  return {
    ...{ member, root, rootSeed, list, dik, prekey: made.prekey, statement: made.statement, local },
    identity: encodeIdentity(list, dik, community),
    bundle: encodeBundle(list, dik, made.statement, community),
  };
}

export const alice = build('alice', 'alice@orchid.example', 'PHONE', false);
export const bob = build('bob', 'bob@fern.example:8448', 'DESK', false);
export const carol = build('carol', 'carol@moss.example', 'LEGACY', true);

export const describePerson = (person: Person, legacy = false) => ({
  member: person.member,
  device: person.local.device,
  [legacy ? 'community_seed' : 'uik_seed']: person.rootSeed,
  [legacy ? 'community_key' : 'uik']: person.root,
  dik_seed: person.local.dikSeed,
  dik: person.dik,
  spk_seed: person.prekey.seed,
  [legacy ? 'statement' : 'device_list']: person.list.bytes,
  [legacy ? 'statement_signature' : 'device_list_signature']: person.list.signature,
  list_version: person.local.listVersion,
  prekey_statement: person.statement.bytes,
  prekey_signature: person.statement.signature,
  prekey_hash: person.prekey.hash,
  identity: person.identity,
  bundle: person.bundle,
});
