import assert from 'node:assert/strict';
import { Chacha20Poly1305 } from '@hpke/chacha20poly1305';
import { CipherSuite, HkdfSha256 } from '@hpke/core';
import { XWing } from '@hpke/hybridkem-x-wing';
import fc from 'fast-check';
import { type Bytes, utf8 } from '../../src/bytes.ts';
import { openBase, openPsk, type Psk, sealBase, sealPsk } from '../../src/crypto/hpke.ts';
import { xwingPublicKey } from '../../src/crypto/xwing.ts';
import { PROVIDERS } from './providers.ts';

/** An implementation of other hands from top to bottom, but for noble's ML-KEM beneath it. */
const oracle = new CipherSuite({ kem: new XWing(), kdf: new HkdfSha256(), aead: new Chacha20Poly1305() });

const EXPORTS = [
  { label: 'volly/1/e0/psk', length: 32 },
  { label: utf8('volly/1/e0/caller'), length: 44 },
  { label: 'volly/1/e0/callee', length: 44 },
];

const exactly = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const message = fc.record({
  seed: exactly(32),
  info: fc.uint8Array({ maxLength: 100 }),
  aad: fc.uint8Array({ maxLength: 300 }),
  plaintext: fc.uint8Array({ maxLength: 4000 }),
});
const presharedKey = fc.record({ psk: exactly(32), pskId: fc.uint8Array({ minLength: 1, maxLength: 64 }) });

const plain = (bytes: ArrayBuffer | Uint8Array): Bytes => Uint8Array.from(new Uint8Array(bytes));
const exportAll = (context: { export(label: Uint8Array, length: number): Promise<ArrayBuffer> }) =>
  Promise.all(
    EXPORTS.map(async ({ label, length }) =>
      plain(await context.export(typeof label === 'string' ? utf8(label) : label, length)),
    ),
  );
const oraclePsk = (psk: Psk | undefined) =>
  psk === undefined ? {} : { psk: { key: plain(psk.psk).buffer, id: plain(psk.pskId).buffer } };

describe('HPKE agrees with @hpke/core', () => {
  for (const provider of PROVIDERS)
    for (const [mode, psks] of [
      ['base mode', fc.constant(undefined)],
      ['PSK mode', presharedKey],
    ] as const) {
      it(`in ${mode}: the oracle opens what ${provider.name} seals, and exports the same`, () =>
        fc.assert(
          fc.asyncProperty(message, psks, async ({ seed, info, aad, plaintext }, psk) => {
            const publicKey = xwingPublicKey(provider, seed);
            const options = { publicKey, info, aad, plaintext, exports: EXPORTS };
            const sealed = await (psk ? sealPsk(provider, { ...options, ...psk }) : sealBase(provider, options));
            const recipientKey = await oracle.kem.importKey('raw', plain(seed).buffer, false);
            const context = await oracle.createRecipientContext({ recipientKey, enc: sealed.enc, info, ...oraclePsk(psk) });
            assert.deepEqual(plain(await context.open(plain(sealed.ciphertext), plain(aad))), plain(plaintext));
            assert.deepEqual(sealed.exported, await exportAll(context));
          }),
          { numRuns: 15 },
        ));

      it(`in ${mode}: ${provider.name} opens what the oracle seals, and exports the same`, () =>
        fc.assert(
          fc.asyncProperty(message, psks, async ({ seed, info, aad, plaintext }, psk) => {
            const recipientPublicKey = await oracle.kem.importKey('raw', xwingPublicKey(provider, seed).buffer, true);
            const context = await oracle.createSenderContext({ recipientPublicKey, info, ...oraclePsk(psk) });
            const ciphertext = plain(await context.seal(plain(plaintext), plain(aad)));
            const options = { seed, enc: plain(context.enc), info, aad, ciphertext, exports: EXPORTS };
            const opened = await (psk ? openPsk(provider, { ...options, ...psk }) : openBase(provider, options));
            assert.deepEqual(opened, { plaintext: plain(plaintext), exported: await exportAll(context) });
          }),
          { numRuns: 15 },
        ));
    }
});
