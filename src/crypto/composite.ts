/**
 * id-MLDSA65-Ed25519-SHA512 (draft-ietf-lamps-pq-composite-sigs-19): both signatures over one message representative,
 * both must verify. noble's `combineSigners` concatenates too, but without prefix, label and prehash, so it cannot make it.
 *
 * Not SUF-CMA: another valid signature of the same message can be made from one, so its bytes must never be an identifier.
 */
import { type Bytes, concat, utf8 } from '../bytes.ts';
import { isEd25519PublicKey, requireKey } from './key-checks.ts';
import { assertLength, type Provider, SIZES } from './primitives.ts';

const DSA = SIZES.mldsa65;
const ED = SIZES.ed25519;

/** Lengths in bytes; the secret key is the ML-DSA seed ‖ the Ed25519 seed. */
export const COMPOSITE = {
  seed: DSA.seed + ED.seed,
  publicKey: DSA.publicKey + ED.publicKey,
  signature: DSA.signature + ED.signature,
  maxContext: 255,
} as const;

const PREFIX = utf8('CompositeAlgorithmSignatures2025');
/** Also the context of the ML-DSA signature, so that it does not verify as one of ML-DSA alone. */
const LABEL = utf8('COMPSIG-MLDSA65-Ed25519-SHA512');

/** A context names the one use of a signature. Text stands for its UTF-8 bytes; at most 255 of them. */
export type Context = string | Uint8Array;

/** Section 2.2: M' = Prefix ‖ Label ‖ len(ctx) ‖ ctx ‖ PH(M). */
function representative(provider: Provider, message: Uint8Array, context: Context): Bytes {
  const ctx = typeof context === 'string' ? utf8(context) : context;
  if (ctx.length > COMPOSITE.maxContext) throw new TypeError('a signature context has at most 255 bytes');
  return concat(PREFIX, LABEL, Uint8Array.of(ctx.length), ctx, provider.sha512(message));
}

/** 1,984 bytes from 64 bytes of seeds. */
export function compositePublicKey(provider: Provider, seed: Uint8Array): Bytes {
  assertLength(seed, COMPOSITE.seed, 'a composite secret key');
  return concat(provider.mldsa65.publicKey(seed.subarray(0, DSA.seed)), provider.ed25519.publicKey(seed.subarray(DSA.seed)));
}

/**
 * Throws `bad_key` for another length, or an Ed25519 part that is not canonical or of small order. Every string of 1,952
 * bytes is an ML-DSA key. Call it when a key is parsed.
 */
export function checkCompositePublicKey(publicKey: Uint8Array): void {
  requireKey(publicKey.length === COMPOSITE.publicKey, 'composite public key');
  requireKey(isEd25519PublicKey(publicKey.subarray(DSA.publicKey)), 'composite public key, Ed25519 part');
}

/** A key that is ready to sign; the context is one of PROTOCOL.md section 1. */
export type Signer = (message: Uint8Array, context: Context) => Bytes;

/**
 * Section 3.2: a function that signs, 3,373 bytes. Hedged, so the same call twice gives two signatures. It keeps the key
 * imported for as long as it is referenced; make one for a key of a long life, and drop it with the key.
 */
export function compositeSigner(provider: Provider, seed: Uint8Array): Signer {
  assertLength(seed, COMPOSITE.seed, 'a composite secret key');
  const signMldsa = provider.mldsa65.signer(seed.subarray(0, DSA.seed));
  const signEd25519 = provider.ed25519.signer(seed.subarray(DSA.seed));
  return (message, context) => {
    const m = representative(provider, message, context);
    return concat(signMldsa(m, LABEL), signEd25519(m));
  };
}

/** One signature of a key that is not kept. */
export const compositeSign = (provider: Provider, seed: Uint8Array, message: Uint8Array, context: Context): Bytes =>
  compositeSigner(provider, seed)(message, context);

/** Section 3.3. False for a key or signature of another length too: nothing a stranger sends makes it throw. */
export function compositeVerify(
  provider: Provider,
  publicKey: Uint8Array,
  message: Uint8Array,
  context: Context,
  signature: Uint8Array,
): boolean {
  const m = representative(provider, message, context);
  if (publicKey.length !== COMPOSITE.publicKey || signature.length !== COMPOSITE.signature) return false;
  // The cheaper one first; which of the two fails is no secret.
  return (
    provider.ed25519.verify(publicKey.subarray(DSA.publicKey), m, signature.subarray(DSA.signature)) &&
    provider.mldsa65.verify(publicKey.subarray(0, DSA.publicKey), m, signature.subarray(0, DSA.signature), LABEL)
  );
}
