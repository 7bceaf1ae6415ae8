/** What a legacy app and the bridge say to each other, PROTOCOL.md section 16. Shape only: SDPs and candidates are checked where they go. */
import { VollyError } from '../../errors.ts';
import { type MemberId, parseMemberId } from '../../ids.ts';
import { LIMITS } from '../../limits.ts';
import type { Candidate } from '../../protocol/candidate.ts';

export type AppFrame =
  | { readonly type: 'offer' | 'answer'; readonly peer: MemberId; readonly sdp: string }
  | { readonly type: 'candidate'; readonly peer: MemberId; readonly candidate: Candidate }
  /** Of a call that rings it declines. */
  | { readonly type: 'hangup'; readonly peer: MemberId; readonly reason: string | undefined };

export type BridgeFrame =
  | { readonly type: 'offer' | 'answer'; readonly peer: MemberId; readonly sdp: string }
  | { readonly type: 'candidate'; readonly peer: MemberId; readonly candidate: Candidate }
  | { readonly type: 'hangup'; readonly peer: MemberId; readonly reason: string };

const REASON = /^[a-z_]{1,40}$/;

const bad = (what: string): never => {
  throw new VollyError('bad_encoding', what);
};

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** All of these names, none but these and `optional` ones. */
function fieldsOf(value: unknown, names: readonly string[], optional: readonly string[] = []): Record<string, unknown> {
  if (!isObject(value)) return bad('not an object');
  for (const name of names) if (!Object.hasOwn(value, name)) bad(`no ${name}`);
  for (const name of Object.keys(value)) if (!names.includes(name) && !optional.includes(name)) bad('an unknown field');
  return value;
}

const asText = (value: unknown, what: string): string => (typeof value === 'string' ? value : bad(what));

/** Throws `too_large`, `bad_encoding`, `bad_address`. */
export function parseFrame(text: string): AppFrame {
  if (text.length > LIMITS.frameBytes) throw new VollyError('too_large', 'frame');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return bad('not JSON');
  }
  const type = isObject(value) ? value['type'] : undefined;
  switch (type) {
    case 'offer':
    case 'answer': {
      const { to, sdp } = fieldsOf(value, ['type', 'to', 'sdp']);
      return { type, peer: peerOf(to), sdp: asText(sdp, 'sdp') };
    }
    case 'candidate': {
      const { to, candidate } = fieldsOf(value, ['type', 'to', 'candidate']);
      return { type, peer: peerOf(to), candidate: readCandidate(candidate) };
    }
    case 'hangup': {
      const { to, reason } = fieldsOf(value, ['type', 'to'], ['reason']);
      if (reason !== undefined && !REASON.test(asText(reason, 'reason'))) bad('reason');
      return { type, peer: peerOf(to), reason: reason as string | undefined };
    }
    default:
      return bad('type');
  }
}

const peerOf = (to: unknown): MemberId => parseMemberId(asText(to, 'to'));

/** An RTCIceCandidateInit as `JSON.stringify(event.candidate)` makes it; null, or an empty `candidate`: no more of them. */
function readCandidate(value: unknown): Candidate {
  if (value === null) return { candidate: '', sdpMid: '', sdpMLineIndex: 0, ufrag: '' };
  const init = fieldsOf(value, ['candidate'], ['sdpMid', 'sdpMLineIndex', 'usernameFragment']);
  const index = init['sdpMLineIndex'] ?? 0;
  return {
    candidate: asText(init['candidate'], 'candidate'),
    sdpMid: asText(init['sdpMid'] ?? '', 'sdpMid'),
    sdpMLineIndex: typeof index === 'number' ? index : bad('sdpMLineIndex'),
    ufrag: asText(init['usernameFragment'] ?? '', 'usernameFragment'),
  };
}

export function encodeFrame({ peer: from, ...frame }: BridgeFrame): string {
  if (frame.type !== 'candidate') return JSON.stringify({ from, ...frame });
  const { candidate, sdpMid, sdpMLineIndex, ufrag } = frame.candidate;
  const init = {
    candidate,
    sdpMid: sdpMid === '' ? null : sdpMid,
    sdpMLineIndex,
    ...(ufrag !== '' && { usernameFragment: ufrag }),
  };
  return JSON.stringify({ from, type: frame.type, candidate: init });
}
