import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { createAuthority } from '../support/homeserver/certificates.ts';

describe('A test certificate', () => {
  const authority = createAuthority();
  const ca = new X509Certificate(authority.certificate);
  const server = new X509Certificate(authority.issue().certificate);

  it('is for loopback and signed by its authority', () => {
    assert.ok(server.verify(ca.publicKey) && server.checkIssued(ca));
    assert.equal(server.checkHost('localhost'), 'localhost');
    assert.equal(server.checkIP('127.0.0.1'), '127.0.0.1');
    assert.equal(server.checkIP('::1'), '::1');
    assert.deepEqual([ca.ca, server.ca], [true, false]);
  });

  it('is of its own authority alone', () => {
    const other = new X509Certificate(createAuthority().certificate);
    assert.equal(server.verify(other.publicKey), false);
    assert.equal(server.checkIssued(other), false);
  });
});
