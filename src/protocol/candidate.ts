/** An ICE candidate as it travels in a call. PROTOCOL.md section 8; RFC 8839 section 5.1. */
import { VollyError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { asArray, asText, asUint, type Cbor } from './cbor.ts';

export interface Candidate {
  /** A `candidate:` line without `a=`, as browsers report it; empty = no more of this generation. */
  readonly candidate: string;
  readonly sdpMid: string;
  /** 0 to 15. */
  readonly sdpMLineIndex: number;
  /** `usernameFragment`; empty where the browser gives none. */
  readonly ufrag: string;
}

const MAX_INDEX = LIMITS.sdpSections - 1;

// An address is an IP literal or a browser's mDNS name: any other host name would make the peer's device resolve it.
const OCTET = '(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])';
const ADDRESS = `(?:${OCTET}(?:\\.${OCTET}){3}|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*|[0-9A-Za-z-]{1,63}\\.local)`;
const PORT = '(?:6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5]?[0-9]{1,4})';
const LINE = new RegExp(
  `^candidate:[A-Za-z0-9+/]{1,32} [0-9]{1,3} (?:udp|tcp|UDP|TCP) [0-9]{1,10} (?<address>${ADDRESS}) ${PORT} typ (?:host|srflx|prflx|relay)` +
    `(?: raddr (?<related>${ADDRESS}) rport ${PORT})?(?: (?!raddr |rport )[a-z][a-z0-9-]{0,31} [!-~]{1,256}){0,8}$`,
);
const MID = /^[!-~]{0,32}$/;
const UFRAG = /^(?:[A-Za-z0-9+/]{4,256})?$/;

/** The platform's own parser knows the forms of IPv6 (RFC 4291 section 2.2) better than a regular expression would. */
const isAddress = (text = ''): boolean => !text.includes(':') || URL.canParse(`http://[${text}]`);

function isLine(text: string): boolean {
  const parts = LINE.exec(text)?.groups;
  return parts !== undefined && isAddress(parts['address']) && isAddress(parts['related']);
}

/** Throws `bad_candidate`. */
export function checkCandidate({ candidate, sdpMid, sdpMLineIndex, ufrag }: Candidate): void {
  const good =
    candidate.length <= LIMITS.candidateCharacters &&
    (candidate === '' || isLine(candidate)) &&
    MID.test(sdpMid) &&
    UFRAG.test(ufrag) &&
    Number.isInteger(sdpMLineIndex) &&
    sdpMLineIndex >= 0 &&
    sdpMLineIndex <= MAX_INDEX;
  if (!good) throw new VollyError('bad_candidate');
}

/** Throws `bad_candidate`. */
export function encodeCandidate(candidate: Candidate): Cbor {
  checkCandidate(candidate);
  return [candidate.candidate, candidate.sdpMid, candidate.sdpMLineIndex, candidate.ufrag];
}

/** Throws `bad_encoding`, `bad_candidate`. */
export function decodeCandidate(value: Cbor): Candidate {
  const fields = asArray(value, 'candidate', 4);
  const candidate: Candidate = {
    candidate: asText(fields[0], 'candidate'),
    sdpMid: asText(fields[1], 'sdp_mid'),
    sdpMLineIndex: asUint(fields[2], 'sdp_m_line_index'),
    ufrag: asText(fields[3], 'ufrag'),
  };
  checkCandidate(candidate);
  return candidate;
}
