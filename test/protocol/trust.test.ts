import assert from 'node:assert/strict';
import { sha256 } from '../../src/crypto/hash.ts';
import { parseMemberId } from '../../src/ids.ts';
import { checkPin, checkVersion, note, pin, safetyNumber } from '../../src/protocol/trust.ts';
import { code, nobleProvider } from '../crypto/providers.ts';
import { makePerson, P, peerOf } from './people.ts';

const bob = makePerson('bob@b.example');
const { identity } = peerOf(bob);

describe('Pins of section 5.4', () => {
  it('are set once by the user and block another key', () => {
    const known = pin({}, identity);
    assert.deepEqual(known.pin, sha256(bob.uik));
    checkPin(known, identity);
    assert.throws(() => checkPin(known, { ...identity, rootHash: new Uint8Array(32) }), code('identity_changed'));
    checkPin({}, identity);
  });

  it('keep the highest list version, and forget it with a new identity', () => {
    const known = pin({}, identity);
    assert.equal(known.newest?.version, identity.version);
    const newer = { ...identity, version: identity.version + 5, hash: new Uint8Array(32) };
    assert.equal(note(known, newer).newest?.version, identity.version + 5);
    assert.equal(note(note(known, newer), identity).newest?.version, identity.version + 5);
    const other = { ...identity, rootHash: new Uint8Array(32), version: 1 };
    checkVersion(known, other);
    assert.equal(pin(known, other).newest?.version, 1);
  });

  it('accept any higher version and no lower, and the same only with the same hash', () => {
    const known = pin({}, identity);
    checkVersion(known, identity);
    checkVersion(known, { ...identity, version: identity.version + 1000 });
    assert.throws(() => checkVersion(known, { ...identity, version: identity.version - 1 }), code('stale_list'));
    assert.throws(() => checkVersion(known, { ...identity, hash: new Uint8Array(32) }), code('stale_list'));
  });
});

describe('Safety numbers of section 5.4', () => {
  const a = { member: parseMemberId('alice@a.example'), uik: new Uint8Array(1984).fill(1) };
  const b = { member: parseMemberId('bob@b.example'), uik: new Uint8Array(1984).fill(2) };

  it('have 60 digits, the same for both sides and under both providers', () => {
    const number = safetyNumber(P, a, b);
    assert.match(number, /^[0-9]{60}$/);
    assert.equal(safetyNumber(P, b, a), number);
    assert.equal(safetyNumber(nobleProvider, a, b), number);
    assert(number.slice(0, 30) <= number.slice(30));
  });

  it('change with either key or name', () => {
    const number = safetyNumber(P, a, b);
    assert.notEqual(safetyNumber(P, a, { ...b, uik: new Uint8Array(1984).fill(3) }), number);
    assert.notEqual(safetyNumber(P, a, { ...b, member: parseMemberId('bob@c.example') }), number);
  });
});
