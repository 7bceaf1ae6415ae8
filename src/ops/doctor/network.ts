/** Why a connection did not come about, in the doctor's words. */
import type { TroubleCode } from './troubles.ts';

export type NetworkKind =
  | 'refused'
  | 'unknown_host'
  | 'silent'
  | 'cut'
  | 'speaks_no_tls'
  | 'wants_tls'
  | 'certificate_expired'
  | 'certificate_of_other_name'
  | 'certificate_untrusted';

export interface NetworkTrouble {
  readonly trouble: NetworkKind;
  /** The system's word: `ECONNREFUSED`. */
  readonly reason: string;
}

/** OpenSSL's and Node's words. */
const KINDS: Readonly<Record<string, NetworkKind>> = {
  ECONNREFUSED: 'refused',
  EHOSTUNREACH: 'refused',
  ENETUNREACH: 'refused',
  EADDRNOTAVAIL: 'refused',
  ENOTFOUND: 'unknown_host',
  EAI_AGAIN: 'unknown_host',
  ETIMEDOUT: 'silent',
  NO_ANSWER: 'silent',
  CERT_HAS_EXPIRED: 'certificate_expired',
  CERT_NOT_YET_VALID: 'certificate_expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'certificate_of_other_name',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'certificate_untrusted',
  SELF_SIGNED_CERT_IN_CHAIN: 'certificate_untrusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'certificate_untrusted',
  UNABLE_TO_GET_ISSUER_CERT: 'certificate_untrusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'certificate_untrusted',
  CERT_SIGNATURE_FAILURE: 'certificate_untrusted',
  ERR_SSL_WRONG_VERSION_NUMBER: 'speaks_no_tls',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'speaks_no_tls',
  EPROTO: 'speaks_no_tls',
};

interface SystemError {
  readonly code?: unknown;
  readonly errors?: readonly SystemError[];
}

/** `secure`: the connection was to be TLS. Without it a server that wants TLS sends an alert, which is no HTTP. */
export function networkTrouble(error: unknown, secure: boolean): NetworkTrouble {
  const { code, errors } = (typeof error === 'object' && error !== null ? error : {}) as SystemError;
  // A name with several addresses fails with one error for each.
  const word = String(code ?? errors?.[0]?.code ?? 'unknown');
  const reason = /^[A-Z0-9_]{1,60}$/.test(word) ? word : 'unknown';
  if (!secure && /^HPE_/.test(reason)) return { trouble: 'wants_tls', reason };
  return { trouble: KINDS[reason] ?? 'cut', reason };
}

export const isTrouble = <T extends object>(asked: T | NetworkTrouble): asked is NetworkTrouble => 'trouble' in asked;

type Own = 'refused' | 'unknown_host' | 'silent' | 'cut';

/** What TLS says is the same for everybody; for the rest each check has codes of its own. */
export const codeOfTrouble = (trouble: NetworkKind, own: Readonly<Record<Own, TroubleCode>>): TroubleCode =>
  trouble in own ? own[trouble as Own] : (trouble as Exclude<NetworkKind, Own>);
