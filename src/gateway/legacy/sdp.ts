/** An app's SDP taken apart: candidates never travel in an offer or answer (PROTOCOL.md sections 8 and 9.4). */
import type { Candidate } from '../../protocol/candidate.ts';
import { withoutCandidates } from '../../protocol/sdp.ts';

export interface SplitSdp {
  /** As it may be sealed; whether it passes the grammar is for `checkSdp`. */
  readonly sdp: string;
  /** In the order in which they stood. */
  readonly candidates: readonly Candidate[];
}

const attribute = (section: string, name: string): string | undefined =>
  new RegExp(`^a=${name}:([^\r\n]*)\r$`, 'm').exec(section)?.[1];

export function splitSdp(full: string): SplitSdp {
  const [session = '', ...sections] = full.split(/^(?=m=)/m);
  const candidates = sections.flatMap((section, sdpMLineIndex) => {
    const sdpMid = attribute(section, 'mid') ?? '';
    // Section or session: RFC 8839 section 5.4.
    const ufrag = attribute(section, 'ice-ufrag') ?? attribute(session, 'ice-ufrag') ?? '';
    const lines = [...section.matchAll(/^a=(?:(candidate:[^\r\n]*)|end-of-candidates)\r$/gm)];
    return lines.map(([, candidate = '']): Candidate => ({ candidate, sdpMid, sdpMLineIndex, ufrag }));
  });
  return { sdp: withoutCandidates(full), candidates };
}
