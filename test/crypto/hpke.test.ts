import assert from 'node:assert/strict';
import fc from 'fast-check';
import { fromUtf8, utf8 } from '../../src/bytes.ts';
import { openAt, sealAt } from '../../src/crypto/aead.ts';
import { type OpenOptions, openBase, openPsk, sealBase, sealPsk } from '../../src/crypto/hpke.ts';
import { xwingDecapsulate, xwingEncapsulate, xwingPublicKey } from '../../src/crypto/xwing.ts';
import { VollyError } from '../../src/errors.ts';
import { hex, needVectors, readVectors } from '../support/vectors.ts';
import { code, flipped, nobleProvider, PROVIDERS } from './providers.ts';

/** `info` and `pt` are ASCII hexadecimal inside hexadecimal, and are used as that ASCII: decoded once, not twice. */
interface Vector extends Record<'info' | 'ikmE' | 'skRm' | 'pkRm' | 'enc' | 'shared_secret' | 'key' | 'base_nonce', string> {
  mode: number;
  kem_id: number;
  kdf_id: number;
  aead_id: number;
  encryptions: Record<'aad' | 'ct' | 'nonce' | 'pt', string>[];
  exports: { exporter_context: string; L: number; exported_value: string }[];
}

const SEED = new Uint8Array(32).fill(6);
const PSK = { psk: new Uint8Array(32).fill(8), pskId: utf8('id') };
const MESSAGE = { info: utf8('info'), aad: utf8('aad'), plaintext: utf8('text') };

describe('HPKE with X-Wing', () => {
  for (const provider of PROVIDERS) {
    it(`gives draft-ietf-hpke-pq's vectors of our suite with ${provider.name}`, async function () {
      needVectors(this);
      const tally = { suites: 0, kemOnly: 0, opened: 0, encryptions: 0, exports: 0, sealed: 0, notApplicable: 0 };
      for (const vector of readVectors<Vector[]>('hpke-pq-x-wing.json')) {
        const [seed, enc] = [hex(vector.skRm), hex(vector.enc)];
        assert.deepEqual(xwingPublicKey(provider, seed), hex(vector.pkRm));
        assert.deepEqual(xwingDecapsulate(provider, seed, enc), hex(vector.shared_secret));
        const eseed = hex(vector.ikmE);
        if (vector.kdf_id !== 1) {
          // Another KDF: its KEM is ours all the same.
          tally.kemOnly++;
          continue;
        }
        assert.deepEqual([vector.mode, vector.kem_id, vector.aead_id], [0, 0x647a, 3]);
        tally.suites++;
        const exports = vector.exports.map((row) => ({ label: hex(row.exporter_context), length: row.L }));
        const exported = vector.exports.map((row) => hex(row.exported_value));
        const first = vector.encryptions[0] as Vector['encryptions'][number];
        const common = { info: hex(vector.info), aad: hex(first.aad), exports };
        const opened = await openBase(provider, { ...common, seed, enc, ciphertext: hex(first.ct) });
        assert.deepEqual(opened, { plaintext: hex(first.pt), exported });
        tally.opened++;
        tally.exports += exported.length;
        for (const [seq, row] of vector.encryptions.entries()) {
          const key = { key: hex(vector.key), baseNonce: hex(vector.base_nonce) };
          assert.deepEqual(sealAt(provider, key, seq, hex(row.aad), hex(row.pt)), hex(row.ct));
          assert.deepEqual(openAt(provider, key, seq, hex(row.aad), hex(row.ct)), hex(row.pt));
          tally.encryptions++;
        }
        const sealing = sealBase(provider, { ...common, publicKey: hex(vector.pkRm), plaintext: hex(first.pt), eseed });
        if (provider.name === 'native') {
          await assert.rejects(sealing, TypeError);
          tally.notApplicable++;
        } else {
          assert.deepEqual(await sealing, { enc, ciphertext: hex(first.ct), exported });
          assert.deepEqual(xwingEncapsulate(provider, hex(vector.pkRm), eseed).ciphertext, enc);
          tally.sealed++;
        }
      }
      const made = provider.name === 'native' ? { sealed: 0, notApplicable: 1 } : { sealed: 1, notApplicable: 0 };
      assert.deepEqual(tally, { ...made, suites: 1, kemOnly: 1, opened: 1, encryptions: 10, exports: 5 });
    });

    it(`opens nothing but what was sealed, whatever byte changes, with ${provider.name}`, async () => {
      const publicKey = xwingPublicKey(provider, SEED);
      const sealed = await sealPsk(provider, { ...MESSAGE, ...PSK, publicKey });
      const right = { ...MESSAGE, ...PSK, seed: SEED, enc: sealed.enc, ciphertext: sealed.ciphertext };
      assert.equal(fromUtf8((await openPsk(provider, right)).plaintext), 'text');
      const wrong: Partial<typeof right>[] = [
        { seed: flipped(SEED, 0) },
        { info: utf8('inf') },
        { aad: utf8('') },
        { ciphertext: flipped(sealed.ciphertext, 0) },
        { ciphertext: sealed.ciphertext.subarray(0, 15) },
        { ciphertext: new Uint8Array() },
        { psk: flipped(PSK.psk, 31) },
        { pskId: utf8('ie') },
        { enc: flipped(sealed.enc, 0) },
        { enc: flipped(sealed.enc, 1119, 128) },
      ] as Partial<typeof right>[];
      for (const change of wrong)
        await assert.rejects(openPsk(provider, { ...right, ...change }), code('open_failed'), Object.keys(change).join());
      await assert.rejects(openBase(provider, right), code('open_failed'), 'PSK mode does not open as base mode');
    });

    it(`answers any enc and ciphertext of a stranger with one of two codes, with ${provider.name}`, async () => {
      const bytes = (around: number) =>
        fc.oneof(fc.uint8Array({ minLength: around, maxLength: around }), fc.uint8Array({ maxLength: 40 }));
      await fc.assert(
        fc.asyncProperty(bytes(1120), bytes(60), async (enc, ciphertext) => {
          const options: OpenOptions = { ...MESSAGE, seed: SEED, enc, ciphertext };
          const refused = (error: unknown) =>
            error instanceof VollyError && (error.code === 'open_failed' || error.code === 'bad_key');
          await assert.rejects(openBase(provider, options), refused);
        }),
        { numRuns: 40 },
      );
      for (const length of [0, 1119, 1121])
        await assert.rejects(
          openBase(provider, { ...MESSAGE, seed: SEED, enc: new Uint8Array(length), ciphertext: new Uint8Array(20) }),
          code('open_failed'),
        );
    });

    it(`takes a psk that is not 32 bytes, or an empty psk_id, for a bug, with ${provider.name}`, async () => {
      const publicKey = xwingPublicKey(provider, SEED);
      const bad = [
        ...[0, 1, 16, 31, 33, 64].map((length) => ({ psk: new Uint8Array(length), pskId: PSK.pskId })),
        { psk: PSK.psk, pskId: new Uint8Array() },
        { psk: new Uint8Array(), pskId: new Uint8Array() },
      ];
      const { enc, ciphertext } = await sealBase(provider, { ...MESSAGE, publicKey });
      for (const psk of bad) {
        await assert.rejects(sealPsk(provider, { ...MESSAGE, publicKey, ...psk }), TypeError);
        await assert.rejects(openPsk(provider, { ...MESSAGE, seed: SEED, enc, ciphertext, ...psk }), TypeError);
      }
    });
  }

  it('seals twice the same and gets two different messages', async () => {
    const publicKey = xwingPublicKey(nobleProvider, SEED);
    for (const provider of PROVIDERS) {
      const exports = [{ label: 'volly/1/e0/psk', length: 32 }];
      const [one, two] = [
        await sealBase(provider, { ...MESSAGE, publicKey, exports }),
        await sealBase(provider, { ...MESSAGE, publicKey, exports }),
      ];
      assert.notDeepEqual(one.enc, two.enc);
      assert.notDeepEqual(one.exported, two.exported);
    }
  });
});
