/** The little this SDK reads in an SDP beyond what protocol/sdp.ts does. */

/** Of all sections. Transports that are not bundled have one each (RFC 8839 section 5.4). */
export const ufragsOf = (sdp: string): ReadonlySet<string> =>
  new Set([...sdp.matchAll(/^a=ice-ufrag:(\S+)/gm)].map(([, ufrag]) => ufrag as string));

/** What a call is about: which kinds of media its offer has sections for. */
export interface MediaKinds {
  /** A microphone's section. */
  readonly audio: boolean;
  /** A camera's or a screen's. */
  readonly video: boolean;
  /** Data channels. */
  readonly data: boolean;
}

/** What a person is asked before accepting: whether the caller means to see and hear. A section with port 0 is switched off. */
export function mediaKindsOf(sdp: string): MediaKinds {
  const has = (kind: string) => new RegExp(`^m=${kind} (?!0 )`, 'm').test(sdp);
  return { audio: has('audio'), video: has('video'), data: has('application') };
}
