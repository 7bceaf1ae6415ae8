/**
 * The SDP that calls may carry, PROTOCOL.md section 8. It is passed on to the WebRTC stack unchanged, so nothing may be in it that the
 * stack could take for something else: every line has a grammar, and what no grammar names is refused.
 */
import { VollyError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { ATTRIBUTES, type Level } from './sdp-attributes.ts';

const bad = (what: string): never => {
  throw new VollyError('bad_sdp', what);
};

/** The first four lines, in this order. The address in `o=` is one that means nothing. */
const HEAD = [
  /^v=0$/,
  /^o=[!-~]{1,64} [0-9]{1,20} [0-9]{1,20} IN (?:IP4 (?:0\.0\.0\.0|127\.0\.0\.1)|IP6 (?:::|::1))$/,
  /^s=[ -~]{1,64}$/,
  /^t=[0-9]{1,20} [0-9]{1,20}$/,
];
/** The port is 0 (rejected) or 9 (no candidate yet); any other is half an address. */
const MEDIA_LINE =
  /^m=(?:(audio|video) [09] UDP\/TLS\/RTP\/SAVPF(?: [0-9]{1,3}){1,128}|(application) [09] UDP\/DTLS\/SCTP webrtc-datachannel)$/;
const CONNECTION = /^c=IN (?:IP4 0\.0\.0\.0|IP6 ::)$/;
const BANDWIDTH = /^b=(?:AS|TIAS|CT|RR|RS):[0-9]{1,10}$/;

type Kind = 'audio' | 'video' | 'application';

interface Parsed {
  readonly kinds: readonly Kind[];
  readonly fingerprint: string;
}

function parse(sdp: string): Parsed {
  if (sdp.length > LIMITS.sdpBytes) bad('too long');
  // Printable ASCII between CR LF, and nothing else: no lone CR, LF, NUL or other line end that a stack might know.
  if (!/^(?:[ -~]+\r\n)+$/.test(sdp)) bad('lines');
  const lines = sdp.slice(0, -2).split('\r\n');
  for (const [i, grammar] of HEAD.entries()) if (!grammar.test(lines[i] ?? '')) bad(`line ${i + 1}`);
  const kinds: Kind[] = [];
  const found: Record<'fingerprint' | 'ice-ufrag' | 'ice-pwd', Set<string>> = {
    fingerprint: new Set(),
    'ice-ufrag': new Set(),
    'ice-pwd': new Set(),
  };
  /** What may still come before the attributes of a section. */
  let order: 'm' | 'c' | 'b' | 'a' = 'a';
  for (const line of lines.slice(HEAD.length)) {
    const media = MEDIA_LINE.exec(line);
    if (media) {
      kinds.push((media[1] ?? media[2]) as Kind);
      order = 'm';
    } else if (CONNECTION.test(line) && order === 'm') order = 'c';
    else if (BANDWIDTH.test(line) && order !== 'a') order = 'b';
    else if (line.startsWith('a=')) {
      order = 'a';
      const [name, value] = checkAttribute(line, kinds.length > 0 ? 'media' : 'session');
      if (value !== undefined && Object.hasOwn(found, name)) found[name as keyof typeof found].add(value);
    } else bad('a line outside the grammar');
  }
  if (kinds.length === 0 || kinds.length > LIMITS.sdpSections) bad('media sections');
  if (found['ice-ufrag'].size === 0 || found['ice-pwd'].size === 0) bad('ICE credentials');
  const [fingerprint, ...others] = found.fingerprint;
  if (fingerprint === undefined || others.length > 0) return bad('one fingerprint');
  return { kinds, fingerprint };
}

function checkAttribute(line: string, level: Level): [name: string, value: string | undefined] {
  const colon = line.indexOf(':');
  const name = line.slice(2, colon < 0 ? undefined : colon);
  const value = colon < 0 ? undefined : line.slice(colon + 1);
  if (!ATTRIBUTES[level].has(name)) bad(`${level} attribute`);
  const grammar = ATTRIBUTES[level].get(name);
  if (grammar ? value === undefined || !grammar.test(value) : value !== undefined) bad(`value of ${name}`);
  return [name, value];
}

/** Throws `bad_sdp`. */
export function checkSdp(sdp: string): void {
  parse(sdp);
}

/** As many sections as the offer, of the same kinds in the same order. Both pass `checkSdp` too. Throws `bad_sdp`. */
export function checkAnswerFits(offer: string, answer: string): void {
  const [offered, answered] = [parse(offer).kinds, parse(answer).kinds];
  if (offered.length !== answered.length || offered.some((kind, i) => kind !== answered[i])) bad('media sections of the answer');
}

/** The one fingerprint of the peer's certificate: to compare with the real one after DTLS. `value` is upper-case hex with colons. */
export function fingerprintOf(sdp: string): { readonly algorithm: string; readonly value: string } {
  const [algorithm, value] = parse(sdp).fingerprint.split(' ') as [string, string];
  return { algorithm, value };
}

/**
 * What a local description becomes before it is sealed: without candidates, and every address and port one that means none. For an
 * SDK's own SDP; the result still has to pass `checkSdp`.
 */
export const withoutCandidates = (sdp: string): string =>
  sdp
    .replace(/^a=(?:candidate|remote-candidates|end-of-candidates).*\r\n/gm, '')
    .replace(/^(m=[a-z]+) [1-9][0-9]* /gm, '$1 9 ')
    .replace(/^c=.*\r\n/gm, 'c=IN IP4 0.0.0.0\r\n')
    .replace(/^a=rtcp:.*\r\n/gm, 'a=rtcp:9 IN IP4 0.0.0.0\r\n')
    .replace(/^(o=.* IN )(?:IP4 (?!0\.0\.0\.0\r|127\.0\.0\.1\r)|IP6 (?!::1?\r)).*\r\n/gm, '$1IP4 127.0.0.1\r\n');
