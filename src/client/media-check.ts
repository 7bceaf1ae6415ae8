/** That the DTLS certificate in use is the one whose fingerprint was signed. */
import { sha384, sha512 } from '@noble/hashes/sha2.js';
import { sha256 } from '../crypto/hash.ts';
import { fingerprintOf } from '../protocol/sdp.ts';
import type { DtlsTransportLike, PeerConnectionLike } from './peer-connection.ts';

const HASHES: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array>> = {
  'sha-256': sha256,
  'sha-384': sha384,
  'sha-512': sha512,
};

/**
 * `sdp` is the peer's description, which was inside the seal. True also where the peer connection does not show its certificates: the
 * platform compares them itself, and this is a second look.
 */
export function certificatesMatch(pc: PeerConnectionLike, sdp: string): boolean {
  const { algorithm, value } = fingerprintOf(sdp);
  const hash = HASHES[algorithm.toLowerCase()];
  const transports = [pc.sctp?.transport, ...(pc.getReceivers?.() ?? []).map((receiver) => receiver.transport)];
  const certificates = [...new Set(transports)].flatMap((transport: DtlsTransportLike | null | undefined) => {
    // Only the first is the peer's own; what follows is its chain.
    const own = transport?.getRemoteCertificates?.()[0];
    return own ? [own] : [];
  });
  return certificates.every((der) => hash !== undefined && spell(hash(new Uint8Array(der))) === value.toUpperCase());
}

const spell = (hash: Uint8Array): string => [...hash].map((byte) => byte.toString(16).padStart(2, '0').toUpperCase()).join(':');
