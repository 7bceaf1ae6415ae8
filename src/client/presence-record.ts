/** What of presence is kept: whom we watch, what we granted and what was granted to us. One record: a grant is nothing without its number. */
import { type CallId, callIdBytes, callIdFromBytes, type MemberId, parseDeviceId, parseMemberId } from '../ids.ts';
import { asArray, asBytes, asText, asUint, type Cbor } from '../protocol/cbor.ts';
import type { Party } from '../protocol/header.ts';
import type { Grant } from '../protocol/presence.ts';
import type { PresenceReceiver } from '../protocol/presence-update.ts';
import { HASH_BYTES } from '../protocol/suite.ts';
import { readRecord, type Store, writeRecord } from './store.ts';

export interface PresenceRecord {
  readonly watched: readonly MemberId[];
  readonly given: readonly Grant[];
  readonly got: readonly PresenceReceiver[];
}

const MANY = 100_000;
const NAME = 'presence';

export async function loadPresence(store: Store): Promise<PresenceRecord> {
  const fields = await readRecord(store, NAME);
  if (!fields) return { watched: [], given: [], got: [] };
  return {
    watched: asArray(fields[0], 'watched', 0, MANY).map((one) => parseMemberId(asText(one, 'member'))),
    given: asArray(fields[1], 'given', 0, MANY).map((row) => grantFromCbor(asArray(row, 'grant', 6))),
    got: asArray(fields[2], 'got', 0, MANY).map(receiverFromCbor),
  };
}

export const savePresence = (store: Store, { watched, given, got }: PresenceRecord): Promise<void> =>
  writeRecord(store, NAME, [watched, given.map(grantToCbor), got.map(receiverToCbor)]);

const grantToCbor = ({ id, key, granter, contact, number, expires }: Grant): Cbor[] => [
  callIdBytes(id as CallId),
  key,
  partyToCbor(granter),
  partyToCbor(contact),
  number,
  expires,
];

function grantFromCbor(fields: readonly Cbor[]): Grant {
  return {
    id: callIdFromBytes(asBytes(fields[0], 'id')),
    key: asBytes(fields[1], 'key'),
    granter: partyFromCbor(fields[2]),
    contact: partyFromCbor(fields[3]),
    number: asUint(fields[4], 'number'),
    expires: asUint(fields[5], 'expires'),
  };
}

const receiverToCbor = ({ grant, newest }: PresenceReceiver): Cbor => [
  ...grantToCbor(grant),
  ...(newest ? [newest.started, newest.salt, newest.seq] : []),
];

function receiverFromCbor(value: Cbor): PresenceReceiver {
  const fields = asArray(value, 'received grant', 6, 9);
  const grant = grantFromCbor(fields);
  if (fields.length < 9) return { grant };
  const [started, salt, seq] = [asUint(fields[6], 'started'), asBytes(fields[7], 'salt'), asUint(fields[8], 'seq')];
  return { grant, newest: { started, salt, seq } };
}

const partyToCbor = ({ member, device, uikHash, listVersion, dikHash }: Party): Cbor => [
  member,
  device,
  uikHash,
  listVersion,
  dikHash,
];

function partyFromCbor(value: Cbor | undefined): Party {
  const fields = asArray(value, 'party', 5);
  return {
    member: parseMemberId(asText(fields[0], 'member')),
    device: parseDeviceId(asText(fields[1], 'device')),
    uikHash: asBytes(fields[2], 'uik', HASH_BYTES),
    listVersion: asUint(fields[3], 'version'),
    dikHash: asBytes(fields[4], 'dik', HASH_BYTES),
  };
}
