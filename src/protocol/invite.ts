/** The invite link, PROTOCOL.md section 14.6: written by a bridge, read by an app. */
import { type Bytes, fromBase64url, toBase64url } from '../bytes.ts';
import { VollyError } from '../errors.ts';
import { type MemberId, parseMemberId, type ServerName, serverOf } from '../ids.ts';
import { TOKEN_BYTES } from './handshake.ts';
import { HASH_BYTES } from './suite.ts';

export interface Invite {
  /** Where the gateway listens: `wss://chat.orchid.example/volly/v1`. */
  readonly gateway: string;
  readonly server: ServerName;
  readonly member: MemberId;
  /** H(community key), 32 bytes: what the app pins. */
  readonly communityKeyHash: Bytes;
  /** 16 bytes; a secret until it is spent. */
  readonly token: Bytes;
}

export const GATEWAY_PATH = '/volly/v1';
const SCHEMES = { 'volly:': 'wss:', 'volly+ws:': 'ws:' } as const;
const LINK =
  /^(volly:|volly\+ws:)\/\/((?:\[[0-9a-f:.]{2,45}\]|[a-z0-9.-]{1,253})(?::\d{1,5})?)((?:\/[A-Za-z0-9._~-]+)*)\/invite#([\w-]{43})\.([\w-]{22})\.(.{1,300})$/;

/** Where an app connects, from the bridge's public URL: `https://…` or `wss://…`, without TLS in tests. Throws `bad_config`. */
export function gatewayUrl(publicUrl: string): string {
  const url = URL.canParse(publicUrl) ? new URL(publicUrl) : undefined;
  const scheme = /^(?:https|wss):$/.test(url?.protocol ?? '') ? 'wss:' : 'ws:';
  if (!url || !/^(?:http|ws)s?:$/.test(url.protocol)) throw new VollyError('bad_config', 'public_url is https://… or wss://…');
  return `${scheme}//${url.host}${url.pathname.replace(/\/+$/, '')}${GATEWAY_PATH}`;
}

/** `gateway` as `gatewayUrl` makes it. Throws `bad_config` for a place that a link cannot name. */
export function formatInvite({ gateway, member, communityKeyHash, token }: Omit<Invite, 'server'>): string {
  const place = gateway.replace(/^wss:/, 'volly:').replace(/^ws:/, 'volly+ws:').slice(0, -GATEWAY_PATH.length);
  const link = `${place}/invite#${toBase64url(communityKeyHash)}.${toBase64url(token)}.${member}`;
  if (!LINK.test(link)) throw new VollyError('bad_config', 'public_url does not fit into an invite');
  return link;
}

/** Throws `bad_invite` for what is no invite, `bad_address` for a member that is none. */
export function parseInvite(link: string): Invite {
  const [, scheme, authority, path, hash, secret, address] = LINK.exec(link.trim()) ?? [];
  const communityKeyHash = fromBase64url(hash ?? '');
  const token = fromBase64url(secret ?? '');
  if (scheme === undefined || communityKeyHash?.length !== HASH_BYTES || token?.length !== TOKEN_BYTES)
    throw new VollyError('bad_invite', 'not an invite link');
  const member = parseMemberId(address as string);
  const gateway = `${SCHEMES[scheme as keyof typeof SCHEMES]}//${authority}${path}${GATEWAY_PATH}`;
  return { gateway, server: serverOf(member), member, communityKeyHash, token };
}
