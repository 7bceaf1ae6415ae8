/** A test authority that this process trusts for the length of a describe, as an operator does with NODE_EXTRA_CA_CERTS. */
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { createAuthority, type TestAuthority } from '../../support/homeserver/certificates.ts';

export function trusting(authority: TestAuthority = createAuthority()): { readonly authority: TestAuthority } {
  const usual = getCACertificates('default');
  before(() => setDefaultCACertificates([...usual, authority.certificate]));
  after(() => setDefaultCACertificates(usual));
  return { authority };
}
