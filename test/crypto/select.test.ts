import assert from 'node:assert/strict';
import { native } from '../../src/crypto/native.ts';
import { noble } from '../../src/crypto/noble.ts';
import type { Provider } from '../../src/crypto/primitives.ts';
import { selectProvider, selfTest } from '../../src/crypto/select.ts';
import { nativeProvider } from './providers.ts';

const NONE = new Uint8Array();

describe('The choice of a provider', () => {
  it('is native where node:crypto has everything and passes its self-test', () => {
    assert(native && selfTest(native));
    assert(selfTest(noble));
    assert.equal(selectProvider(), native);
    assert.equal(selectProvider(), selectProvider());
  });

  it('refuses a provider that ignores the ML-DSA context, as Node 24.7 does', () => {
    const { mldsa65 } = nativeProvider;
    const broken: Provider = {
      ...nativeProvider,
      mldsa65: {
        ...mldsa65,
        signer: (seed) => (message) => mldsa65.signer(seed)(message, NONE),
        verify: (key, message, signature) => mldsa65.verify(key, message, signature, NONE),
      },
    };
    assert.equal(selfTest(broken), false);
  });

  it('refuses a provider that is wrong in any one primitive, or throws', () => {
    const wrong = (length: number) => () => new Uint8Array(length);
    const p = nativeProvider;
    const broken: Partial<Provider>[] = [
      { sha512: wrong(64) },
      { chacha20poly1305: { ...p.chacha20poly1305, seal: wrong(25) } },
      { x25519: { ...p.x25519, publicKey: wrong(32) } },
      {
        x25519: { ...p.x25519, exchange: (key, peer) => ({ ...p.x25519.exchange(key, peer), sharedSecret: new Uint8Array(32) }) },
      },
      { mlkem768: { ...p.mlkem768, decapsulate: wrong(32) } },
      { mlkem768: { ...p.mlkem768, publicKey: wrong(1184) } },
      { ed25519: { ...p.ed25519, verify: () => true }, mldsa65: { ...p.mldsa65, verify: () => true } },
      { mldsa65: { ...p.mldsa65, verify: () => true } },
      { ed25519: { ...p.ed25519, verify: () => true } },
      { ed25519: { ...p.ed25519, signer: () => wrong(64) } },
      {
        mldsa65: {
          ...p.mldsa65,
          signer: () => {
            throw new Error('no');
          },
        },
      },
    ];
    for (const part of broken) assert.equal(selfTest({ ...p, ...part }), false, Object.keys(part).join());
  });
});
