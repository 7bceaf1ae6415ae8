/**
 * HPKE (RFC 9180, draft-ietf-hpke-pq): suite KEM 0x647A X-Wing, KDF 0x0001 HKDF-SHA256, AEAD 0x0003 ChaCha20-Poly1305, in
 * base and PSK mode, one message to a context. A context lives inside one call of this file and never leaves it.
 */
import { DecapError, EncapError, OpenError } from 'hpke';
import { type Bytes, utf8 } from '../bytes.ts';
import { VollyError } from '../errors.ts';
import { suiteOf, xwingPrivate, xwingPublic } from './hpke-suite.ts';
import { assertLength, type Provider } from './primitives.ts';
import { XWING } from './xwing.ts';

/** A secret exported from the context (RFC 9180 section 5.3). Text stands for its UTF-8 bytes; `length` is in bytes. */
export interface ExportRequest {
  readonly label: string | Uint8Array;
  readonly length: number;
}

interface Common {
  readonly info: Uint8Array;
  readonly aad: Uint8Array;
  readonly exports?: readonly ExportRequest[];
}

export interface SealOptions extends Common {
  /** The recipient's X-Wing key, 1,216 bytes. */
  readonly publicKey: Uint8Array;
  readonly plaintext: Uint8Array;
  /** 64 bytes, for reproducible vectors with the noble provider only. */
  readonly eseed?: Uint8Array;
}

export interface OpenOptions extends Common {
  /** The recipient's X-Wing seed, 32 bytes. */
  readonly seed: Uint8Array;
  /** 1,120 bytes. */
  readonly enc: Uint8Array;
  readonly ciphertext: Uint8Array;
}

export interface Psk {
  /** Exactly 32 bytes. */
  readonly psk: Uint8Array;
  /** Not empty. */
  readonly pskId: Uint8Array;
}

/** `exported` is in the order of the requests; the ciphertext is 16 bytes longer than the plaintext. */
export interface Sealed {
  readonly enc: Bytes;
  readonly ciphertext: Bytes;
  readonly exported: Bytes[];
}

export interface Opened {
  readonly plaintext: Bytes;
  readonly exported: Bytes[];
}

interface Exporter {
  Export(label: Uint8Array, length: number): Promise<Uint8Array>;
}

const exportAll = (context: Exporter, requests: readonly ExportRequest[] = []): Promise<Bytes[]> =>
  Promise.all(
    requests.map(
      async ({ label, length }) => (await context.Export(typeof label === 'string' ? utf8(label) : label, length)) as Bytes,
    ),
  );

/** The package takes an empty psk with an empty psk_id for base mode without a word: a lost psk must never become that. */
function assertPsk({ psk, pskId }: Psk): Psk {
  assertLength(psk, 32, 'a psk');
  if (pskId.length === 0) throw new TypeError('a psk_id must not be empty');
  return { psk, pskId };
}

async function seal(provider: Provider, options: SealOptions, psk?: Psk): Promise<Sealed> {
  const recipient = xwingPublic(options.publicKey, options.eseed);
  const { encapsulatedSecret, ctx } = await suiteOf(provider)
    .SetupSender(recipient, { info: options.info, ...psk })
    .catch(rethrow);
  const ciphertext = (await ctx.Seal(options.plaintext, options.aad)) as Bytes;
  return { enc: encapsulatedSecret as Bytes, ciphertext, exported: await exportAll(ctx, options.exports) };
}

async function open(provider: Provider, options: OpenOptions, psk?: Psk): Promise<Opened> {
  assertLength(options.seed, XWING.seed, 'an X-Wing private key');
  const recipient = xwingPrivate(options.seed);
  const ctx = await suiteOf(provider)
    .SetupRecipient(recipient, options.enc, { info: options.info, ...psk })
    .catch(rethrow);
  const plaintext = (await ctx.Open(options.ciphertext, options.aad).catch(rethrow)) as Bytes;
  return { plaintext, exported: await exportAll(ctx, options.exports) };
}

/** The package wraps what our KEM and AEAD throw; what a stranger's bytes can cause leaves here under one of two codes. */
function rethrow(error: unknown): never {
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause instanceof VollyError || error instanceof EncapError) throw cause;
  if (error instanceof OpenError || error instanceof DecapError) throw new VollyError('open_failed', 'HPKE', { cause: error });
  throw error;
}

/** Throws `bad_key` where the recipient's key is malformed. */
export const sealBase = (provider: Provider, options: SealOptions): Promise<Sealed> => seal(provider, options);

/**
 * Throws `open_failed` for another key, info, aad or changed bytes, and for an `enc` of another length; `bad_key` for an
 * `enc` whose X25519 part is of low order. Nothing else for any bytes of a stranger.
 */
export const openBase = (provider: Provider, options: OpenOptions): Promise<Opened> => open(provider, options);

/** As `sealBase`. A psk of another length or an empty psk_id is a bug: `TypeError`. */
export const sealPsk = async (provider: Provider, options: SealOptions & Psk): Promise<Sealed> =>
  seal(provider, options, assertPsk(options));

/** As `openBase`; also `open_failed` where psk or psk_id differ. */
export const openPsk = async (provider: Provider, options: OpenOptions & Psk): Promise<Opened> =>
  open(provider, options, assertPsk(options));
