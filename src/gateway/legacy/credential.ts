/**
 * A legacy app's bearer credential: base64url(secret of 32 bytes ‖ name). The bridge keeps the secret's hash and when it was made, which
 * also numbers the member's keys: a new credential is a new app, with keys and pins of its own. PROTOCOL.md section 16.
 */
import { type Bytes, concat, equal, fromBase64url, fromUtf8, toBase64url, utf8 } from '../../bytes.ts';
import type { Clock, RandomBytes } from '../../clock.ts';
import { sha256 } from '../../crypto/hash.ts';
import { VollyError } from '../../errors.ts';
import { type Localpart, localpartOf, type MemberId, parseLocalpart } from '../../ids.ts';
import type { FactStore, MemberStore } from '../../storage/types.ts';

const SECRET_BYTES = 32;
/** `volly-legacy` is what the bridge answers a browser: echoing the credential would only show it once more. */
export const SUBPROTOCOL = 'volly-legacy';
const BEARER_PROTOCOL = 'bearer.';

/** A legacy member under one credential. */
export interface Owner {
  readonly localpart: Localpart;
  /** When the credential was made, Unix time in milliseconds: rises with each new one. */
  readonly since: number;
}

interface Kept {
  readonly since: number;
  readonly hash: Bytes;
}

const factOf = (member: Localpart): string => `legacy credential ${member}`;

/** Whether a fact is of this legacy member: its own, or what another one here remembers of it. */
export function isLegacyFactOf(member: MemberId, fact: string): boolean {
  const [legacy, , owner, , peer] = fact.split(' ');
  return legacy === 'legacy' && (owner === localpartOf(member) || peer === member);
}

async function read(facts: FactStore, member: Localpart): Promise<Kept | undefined> {
  const [since = '', text = ''] = (await facts.get(factOf(member)))?.split(' ') ?? [];
  const hash = fromBase64url(text);
  return since !== '' && hash ? { since: Number(since), hash } : undefined;
}

/** When the member's credential was made; undefined for who has none. */
export const sinceOf = async (facts: FactStore, member: Localpart): Promise<number | undefined> =>
  (await read(facts, member))?.since;

/**
 * Makes a legacy member, or gives one a new credential in place of the old. The result is its only copy. Throws `name_taken` for an
 * enhanced member: none is both.
 */
export async function makeCredential(options: {
  readonly members: Pick<MemberStore, 'add' | 'kind'>;
  readonly facts: FactStore;
  readonly random: RandomBytes;
  readonly clock: Pick<Clock, 'now'>;
  readonly localpart: Localpart;
}): Promise<string> {
  const { members, facts, random, clock, localpart } = options;
  await members.add(localpart, 'legacy');
  if ((await members.kind(localpart)) !== 'legacy') throw new VollyError('name_taken', 'an end to end encrypted member');
  const before = await sinceOf(facts, localpart);
  const since = Math.max(clock.now(), (before ?? 0) + 1);
  const secret = random(SECRET_BYTES);
  await facts.set(factOf(localpart), `${since} ${toBase64url(sha256(secret))}`);
  return toBase64url(concat(secret, utf8(localpart)));
}

/** Whose credential it is; undefined for anything else, and while the operator has suspended the member. */
export async function redeemCredential(
  { members, facts }: { readonly members: Pick<MemberStore, 'active'>; readonly facts: FactStore },
  credential: string,
): Promise<Owner | undefined> {
  const parsed = parse(credential);
  const kept = parsed && (await read(facts, parsed.localpart));
  if (!kept || !equal(kept.hash, sha256(parsed.secret))) return undefined;
  const { localpart } = parsed;
  return (await members.active(localpart)) === 'legacy' ? { localpart, since: kept.since } : undefined;
}

function parse(credential: string): { readonly secret: Bytes; readonly localpart: Localpart } | undefined {
  const bytes = fromBase64url(credential);
  if (!bytes || bytes.length <= SECRET_BYTES) return undefined;
  try {
    return { secret: bytes.slice(0, SECRET_BYTES), localpart: parseLocalpart(fromUtf8(bytes.subarray(SECRET_BYTES))) };
  } catch {
    return undefined;
  }
}

/**
 * What an upgrade presents: `Authorization: Bearer …`, or for browsers, which cannot set headers, the subprotocols `volly-legacy` and
 * `bearer.…`. Never the URL: those are logged.
 */
export function presentedBy(headers: { readonly [name: string]: string | string[] | undefined }): string | undefined {
  const header = /^Bearer +([A-Za-z0-9_-]+)$/i.exec(String(headers['authorization'] ?? ''))?.[1];
  if (header) return header;
  const protocols = String(headers['sec-websocket-protocol'] ?? '').split(/ *, */);
  return protocols.find((one) => one.startsWith(BEARER_PROTOCOL))?.slice(BEARER_PROTOCOL.length);
}
