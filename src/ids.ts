/**
 * Addresses and identifiers as branded types, so that a device id can never be handed over where a member or a key is
 * expected (R3). The only way to make one is to parse it. PROTOCOL.md section 2.
 */
import { type Bytes, fromBase64url, toBase64url } from './bytes.ts';
import type { RandomBytes } from './clock.ts';
import { VollyError } from './errors.ts';

/** There is no such property at run time. A name and not a symbol: declaration files of other modules must be able to write it. */
type Id<Kind extends string> = string & { readonly __id: Kind };

/** A Matrix server name with its port or IPv6 literal: `orchid.example`, `localhost:8448`, `[::1]:8448`. At most 230 characters. */
export type ServerName = Id<'ServerName'>;
/** `[a-z0-9][a-z0-9._=-]{0,63}` */
export type Localpart = Id<'Localpart'>;
/** `alice@orchid.example` */
export type MemberId = Id<'MemberId'>;
/** `[A-Z0-9]{1,16}`: `PHONE` */
export type DeviceId = Id<'DeviceId'>;
/** `alice@orchid.example/PHONE` */
export type DeviceAddress = Id<'DeviceAddress'>;
/** 128 bits in base64url, 22 characters. */
export type EnvelopeId = Id<'EnvelopeId'>;
/** 128 random bits in base64url, 22 characters; on the wire 16 bytes. Compared as strings only for equality: glare compares bytes. */
export type CallId = Id<'CallId'>;

const LOCALPART = /^[a-z0-9][a-z0-9._=-]{0,63}$/;
const DEVICE = /^[A-Z0-9]{1,16}$/;
/** With `SERVER_NAME_CHARACTERS` all there is to a server name. */
export const SERVER_NAME = /^(?:\[[0-9a-fA-F:.]{2,45}\]|[a-z0-9](?:[a-z0-9.-]{0,221}[a-z0-9])?)(?::[0-9]{1,5})?$/;
export const SERVER_NAME_CHARACTERS = 230;
const ID_BYTES = 16;

const refuse = (what: string): never => {
  throw new VollyError('bad_address', what);
};

export const isServerName = (text: string): text is ServerName => text.length <= SERVER_NAME_CHARACTERS && SERVER_NAME.test(text);

/** Throws `bad_address`. Upper-case host names are refused: one spelling for one server. */
export const parseServerName = (text: string): ServerName => (isServerName(text) ? text : refuse('not a Matrix server name'));

export const parseLocalpart = (text: string): Localpart =>
  LOCALPART.test(text)
    ? (text as Localpart)
    : refuse('a member name is a-z 0-9 . _ = - and starts with a letter or digit, at most 64');

export const parseDeviceId = (text: string): DeviceId =>
  DEVICE.test(text) ? (text as DeviceId) : refuse('a device id is 1 to 16 of A-Z 0-9');

export function parseMemberId(text: string): MemberId {
  const at = text.indexOf('@');
  if (at < 0) refuse('a member is written name@server');
  parseLocalpart(text.slice(0, at));
  parseServerName(text.slice(at + 1));
  return text as MemberId;
}

export function parseDeviceAddress(text: string): DeviceAddress {
  const slash = text.lastIndexOf('/');
  if (slash < 0) refuse('a device is written name@server/DEVICE');
  parseMemberId(text.slice(0, slash));
  parseDeviceId(text.slice(slash + 1));
  return text as DeviceAddress;
}

export const memberId = (localpart: Localpart, server: ServerName): MemberId => `${localpart}@${server}` as MemberId;
export const localpartOf = (member: MemberId): Localpart => member.slice(0, member.indexOf('@')) as Localpart;
export const serverOf = (member: MemberId): ServerName => member.slice(member.indexOf('@') + 1) as ServerName;

export const deviceAddress = (member: MemberId, device: DeviceId): DeviceAddress => `${member}/${device}` as DeviceAddress;
export const memberOf = (address: DeviceAddress): MemberId => address.slice(0, address.lastIndexOf('/')) as MemberId;
export const deviceOf = (address: DeviceAddress): DeviceId => address.slice(address.lastIndexOf('/') + 1) as DeviceId;

export function parseEnvelopeId(text: string): EnvelopeId {
  const bytes = text.length === 22 ? fromBase64url(text) : undefined;
  return bytes?.length === ID_BYTES ? (text as EnvelopeId) : refuse('an envelope id is 128 bits in base64url');
}
export const newEnvelopeId = (random: RandomBytes): EnvelopeId => toBase64url(random(ID_BYTES)) as EnvelopeId;
export const envelopeIdBytes = (id: EnvelopeId): Bytes => fromBase64url(id) as Bytes;
/** Throws `bad_address` for anything but 16 bytes. */
export const envelopeIdFromBytes = (bytes: Uint8Array): EnvelopeId => parseEnvelopeId(toBase64url(bytes));

export const newCallId = (random: RandomBytes): CallId => toBase64url(random(ID_BYTES)) as CallId;
export const callIdBytes = (id: CallId): Bytes => fromBase64url(id) as Bytes;
export const callIdFromBytes = (bytes: Uint8Array): CallId =>
  bytes.length === ID_BYTES ? (toBase64url(bytes) as CallId) : refuse('a call id is 16 bytes');

// The Matrix spelling is fixed by the protocol, so that no member's name can collide with a system user's (PROTOCOL.md section 2).

/** `@_volly_alice:orchid.example` */
export const ghostOf = (member: MemberId): string => `@_volly_${localpartOf(member)}:${serverOf(member)}`;
/** `@_volly.bridge:orchid.example`; its device is always `VOLLY`. */
export const bridgeUserOf = (server: ServerName): string => `@_volly.bridge:${server}`;
export const BRIDGE_LOCALPART = '_volly.bridge';
export const BRIDGE_DEVICE = 'VOLLY';
/** The one device of every legacy member: it lives in the bridge. */
export const LEGACY_DEVICE = 'LEGACY' as DeviceId;
/** The appservice's own sender, never used to send or receive envelopes. */
export const SENDER_LOCALPART = '_volly.as';
