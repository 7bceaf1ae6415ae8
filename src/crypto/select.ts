/** Which provider to use: native where it proves right, else noble. Decided once; both give the same results. */
import { equal, utf8 } from '../bytes.ts';
import { systemRandom } from '../clock.ts';
import { compositePublicKey, compositeSign, compositeVerify } from './composite.ts';
import { native } from './native.ts';
import { noble } from './noble.ts';
import type { Provider } from './primitives.ts';
import { xwingDecapsulate, xwingEncapsulate, xwingPublicKey } from './xwing.ts';

/**
 * Whether a provider agrees with noble. About 20 ms. A wrong context must be refused, because Node 24.7 lets a signature
 * verify under any; ML-DSA itself is asked too, since in a composite the Ed25519 part would already have refused.
 */
export function selfTest(provider: Provider): boolean {
  try {
    const message = utf8('self-test');
    const seed = systemRandom(64);
    const key = compositePublicKey(provider, seed);
    const signature = compositeSign(provider, seed, message, 'right');
    const dsaSeed = seed.subarray(0, 32);
    const dsaKey = provider.mldsa65.publicKey(dsaSeed);
    const dsaSignature = provider.mldsa65.signer(dsaSeed)(message, utf8('right'));
    const kemSeed = seed.subarray(32);
    const kemKey = xwingPublicKey(noble, kemSeed);
    const to = xwingEncapsulate(noble, kemKey);
    const from = xwingEncapsulate(provider, kemKey);
    const sealed = provider.chacha20poly1305.seal(kemSeed, seed.subarray(0, 12), message, seed);
    return (
      equal(key, compositePublicKey(noble, seed)) &&
      compositeVerify(provider, key, message, 'right', signature) &&
      compositeVerify(noble, key, message, 'right', signature) &&
      !compositeVerify(provider, key, message, 'wrong', signature) &&
      provider.mldsa65.verify(dsaKey, message, dsaSignature, utf8('right')) &&
      !provider.mldsa65.verify(dsaKey, message, dsaSignature, utf8('wrong')) &&
      !provider.ed25519.verify(key.subarray(1952), message, signature.subarray(3309)) &&
      equal(kemKey, xwingPublicKey(provider, kemSeed)) &&
      equal(to.sharedSecret, xwingDecapsulate(provider, kemSeed, to.ciphertext)) &&
      equal(from.sharedSecret, xwingDecapsulate(noble, kemSeed, from.ciphertext)) &&
      equal(sealed, noble.chacha20poly1305.seal(kemSeed, seed.subarray(0, 12), message, seed)) &&
      equal(provider.sha512(message), noble.sha512(message))
    );
  } catch {
    return false;
  }
}

let selected: Provider | undefined;

export function selectProvider(): Provider {
  selected ??= native && selfTest(native) ? native : noble;
  return selected;
}
