/**
 * The attributes an SDP may have, each with the grammar of its value: what Chromium, Firefox, Safari and werift write. PROTOCOL.md
 * section 8 has the same list. None can name an address, a key in the clear, or a candidate.
 */

const TEXT = '[ -~]+';
const TOKEN = '[!-~]+';
const NUMBER = '[0-9]{1,10}';
const PAYLOAD = '(?:\\*|[0-9]{1,3})';
const ICE = '[A-Za-z0-9+/]';
const hexPairs = (bytes: number): string => `[0-9A-F]{2}(?::[0-9A-F]{2}){${bytes - 1}}`;

/** Allowed everywhere: name → the value after the colon; undefined = a bare word. */
const COMMON: Record<string, string | undefined> = {
  'extmap-allow-mixed': undefined,
  fingerprint: `(?:sha-256 ${hexPairs(32)}|sha-384 ${hexPairs(48)}|sha-512 ${hexPairs(64)})`,
  'ice-options': `${ICE}[A-Za-z0-9+/ -]{0,63}`,
  'ice-pwd': `${ICE}{22,256}`,
  'ice-ufrag': `${ICE}{4,256}`,
  setup: '(?:actpass|active|passive)',
  'tls-id': '[A-Za-z0-9+/_-]{20,255}',
};

const SESSION: Record<string, string | undefined> = {
  ...COMMON,
  group: `(?:BUNDLE|LS)(?: ${TOKEN})*`,
  'ice-lite': undefined,
  'msid-semantic': ` ?WMS(?: ${TOKEN})*`,
};

/** None of these names an address. `rtcp` could: only the port and the address that mean none are allowed. */
const MEDIA: Record<string, string | undefined> = {
  ...COMMON,
  'bundle-only': undefined,
  extmap: `${NUMBER}(?:/(?:sendrecv|sendonly|recvonly|inactive))? ${TEXT}`,
  fmtp: `${PAYLOAD} ${TEXT}`,
  framerate: '[0-9.]{1,10}',
  imageattr: `${PAYLOAD} ${TEXT}`,
  inactive: undefined,
  'max-message-size': NUMBER,
  maxptime: NUMBER,
  mid: '[!-~]{1,32}',
  msid: TEXT,
  packetization: `${PAYLOAD} ${TOKEN}`,
  ptime: NUMBER,
  recvonly: undefined,
  rid: `[A-Za-z0-9_-]{1,255} (?:send|recv)(?: ${TEXT})?`,
  rtcp: '[09](?: IN (?:IP4 0\\.0\\.0\\.0|IP6 ::))?',
  'rtcp-fb': `${PAYLOAD} ${TEXT}`,
  'rtcp-mux': undefined,
  'rtcp-mux-only': undefined,
  'rtcp-rsize': undefined,
  'rtcp-xr': TEXT,
  rtpmap: `[0-9]{1,3} [A-Za-z0-9._-]{1,64}/${NUMBER}(?:/[0-9]{1,2})?`,
  'sctp-port': NUMBER,
  sctpmap: `[0-9]{1,5} webrtc-datachannel ${NUMBER}`,
  sendonly: undefined,
  sendrecv: undefined,
  simulcast: TEXT,
  ssrc: `${NUMBER} [a-z-]{1,32}(?::${TEXT})?`,
  'ssrc-group': `[A-Za-z-]{1,16}(?: ${NUMBER})+`,
  'x-google-flag': 'conference',
};

const compile = (grammar: Record<string, string | undefined>): ReadonlyMap<string, RegExp | undefined> =>
  new Map(Object.entries(grammar).map(([name, value]) => [name, value === undefined ? undefined : new RegExp(`^${value}$`)]));

export type Level = 'session' | 'media';

/** By level: name → grammar of the value, undefined for a bare word. */
export const ATTRIBUTES: Readonly<Record<Level, ReadonlyMap<string, RegExp | undefined>>> = {
  session: compile(SESSION),
  media: compile(MEDIA),
};
