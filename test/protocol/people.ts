/** Members with devices, lists, prekeys and bundles, made by the real code. */
import { readFileSync } from 'node:fs';
import type { Bytes } from '../../src/bytes.ts';
import { systemRandom } from '../../src/clock.ts';
import { compositePublicKey, compositeSigner } from '../../src/crypto/composite.ts';
import { sha256 } from '../../src/crypto/hash.ts';
import type { Provider } from '../../src/crypto/primitives.ts';
import { LEGACY_DEVICE, type MemberId, newCallId, parseDeviceId, parseMemberId } from '../../src/ids.ts';
import { openAnswer, sealAnswer } from '../../src/protocol/answer.ts';
import { checkBundle, encodeBundle, type Peer } from '../../src/protocol/bundle.ts';
import type { LocalDevice } from '../../src/protocol/device.ts';
import { encodeIdentity } from '../../src/protocol/identity.ts';
import { makeLegacyStatement } from '../../src/protocol/legacy.ts';
import { decodeList, makeList, type Signed } from '../../src/protocol/list.ts';
import { type CalleeLeg, type CallerLeg, type Offer, openOffer, sealOffer } from '../../src/protocol/offer.ts';
import type { Guard } from '../../src/protocol/opening.ts';
import { makePrekey } from '../../src/protocol/prekey.ts';
import { type Session, sealMessage } from '../../src/protocol/session.ts';
import { openMessage } from '../../src/protocol/session-receive.ts';
import type { Known } from '../../src/protocol/trust.ts';
import { nativeProvider } from '../crypto/providers.ts';

export const P: Provider = nativeProvider;
export const random = systemRandom;
export const NOW = 1_790_000_000_000;
const YEAR = 365 * 86_400_000;

export interface Device {
  readonly local: LocalDevice & { readonly dikSeed: Bytes };
  readonly dik: Bytes;
  readonly prekey: Signed;
  readonly identity: Bytes;
  readonly bundle: Bytes;
}

export interface Person {
  readonly member: MemberId;
  readonly uik: Bytes;
  readonly uikSeed: Bytes;
  readonly list: Signed;
  readonly devices: readonly Device[];
}

export function makePerson(name: string, devices: readonly string[] = ['PHONE'], uikSeed = random(64)): Person {
  const member = parseMemberId(name);
  const uik = compositePublicKey(P, uikSeed);
  const uikHash = sha256(uik);
  const keys = devices.map((device) => {
    const dikSeed = random(64);
    const dik = compositePublicKey(P, dikSeed);
    return { device: parseDeviceId(device), dikSeed, dik, dikHash: sha256(dik) };
  });
  const entries = keys.map(({ device, dikHash }) => ({ device, dikHash, notAfter: NOW + YEAR }));
  const list = makeList(P, { member, uik, uikSeed, entries, now: NOW });
  const listVersion = decodeList(list.bytes).version;
  return {
    ...{ member, uik, uikSeed, list },
    devices: keys.map(({ device, dikSeed, dik, dikHash }) => {
      const { prekey, statement } = makePrekey(P, random, { member, device, uikHash, dikSeed, epoch: 1, now: NOW });
      const local = {
        member,
        device,
        uikHash,
        listVersion,
        dikHash,
        dikSeed,
        sign: compositeSigner(P, dikSeed),
        prekeys: [prekey],
      };
      const identity = encodeIdentity(list, dik);
      return { local, dik, prekey: statement, identity, bundle: encodeBundle(list, dik, statement) };
    }),
  };
}

/** A member whose keys the bridge keeps. */
export function makeLegacy(name: string, communitySeed = random(64)): Person {
  const member = parseMemberId(name);
  const community = compositePublicKey(P, communitySeed);
  const uikHash = sha256(community);
  const dikSeed = random(64);
  const dik = compositePublicKey(P, dikSeed);
  const dikHash = sha256(dik);
  const list = makeLegacyStatement(P, communitySeed, { member, dikHash, version: 7, expires: NOW + YEAR });
  const { prekey, statement } = makePrekey(P, random, { member, device: LEGACY_DEVICE, uikHash, dikSeed, epoch: 1, now: NOW });
  const local = {
    member,
    device: LEGACY_DEVICE,
    uikHash,
    listVersion: 7,
    dikHash,
    dikSeed,
    sign: compositeSigner(P, dikSeed),
    prekeys: [prekey],
  };
  const identity = encodeIdentity(list, dik, community);
  const bundle = encodeBundle(list, dik, statement, community);
  return { member, uik: community, uikSeed: communitySeed, list, devices: [{ local, dik, prekey: statement, identity, bundle }] };
}

export const first = (person: Person): Device => person.devices[0] as Device;

export const peerOf = (person: Person, index = 0): Peer =>
  checkBundle(P, (person.devices[index] as Device).bundle, { member: person.member, known: {}, now: NOW, allowLegacy: true });

export const openGuard: Guard = { checkReplay() {}, checkRate() {}, record() {} };

interface Sdps {
  readonly offer: string;
  readonly answer: string;
  readonly candidates: readonly ({
    candidate: string;
    sdpMid: string;
    sdpMLineIndex?: number;
    usernameFragment?: string;
  } | null)[];
}
export const KINDS = ['data', 'audio', 'av', 'avdata'] as const;
export const BROWSERS = ['chromium-156', 'firefox-153'] as const;

export const sdpOf = (browser: (typeof BROWSERS)[number], kind: (typeof KINDS)[number]): Sdps =>
  JSON.parse(readFileSync(new URL(`../fixtures/sdp/${browser}.json`, import.meta.url), 'utf8'))[kind];

export const AV = sdpOf('chromium-156', 'av');
export const DATA = sdpOf('chromium-156', 'data');

export interface Ringing {
  readonly caller: { readonly leg: CallerLeg; readonly session: Session };
  readonly callee: { readonly leg: CalleeLeg; readonly session: Session };
  readonly offer: Offer;
}

/** An offer that was opened. */
export async function ring(alice: Person, bob: Person, known: Known = {}): Promise<Ringing> {
  const sealed = await sealOffer(P, random, {
    ...{ device: first(alice).local, peer: peerOf(bob), callId: newCallId(random), sdp: AV.offer, policy: 'none', now: NOW },
    identity: first(alice).identity,
  });
  const opened = await openOffer(P, sealed.envelope, { device: first(bob).local, known, guard: openGuard, now: NOW });
  return {
    caller: { leg: sealed.leg, session: sealed.session },
    callee: { leg: opened.leg, session: opened.session },
    offer: opened.offer,
  };
}

/** An offer that was answered: both are in epoch 1, and select is not out. */
export async function answeredCall(alice: Person, bob: Person): Promise<{ caller: Session; callee: Session }> {
  const { caller, callee } = await ring(alice, bob);
  const sealed = await sealAnswer(P, random, {
    ...{ device: first(bob).local, ...callee, sdp: AV.answer, policy: 'none', now: NOW },
  });
  const opened = await openAnswer(P, sealed.envelope, { ...caller, now: NOW });
  return { caller: opened.session, callee: sealed.session };
}

/** A call that was selected. */
export async function activeCall(alice: Person, bob: Person): Promise<{ caller: Session; callee: Session }> {
  const { caller, callee } = await answeredCall(alice, bob);
  const sent = sealMessage(P, random, caller, { type: 'select_answer' }, NOW);
  const received = await openMessage(P, callee, sent.envelope, NOW);
  if (received.kind !== 'opened') throw new Error('select did not open');
  return { caller: sent.session, callee: received.session };
}
