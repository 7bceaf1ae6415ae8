import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { createContext, runInContext } from 'node:vm';
import { build } from 'esbuild';

/** What a page has and this room may use. No process, no Buffer, no require. */
const PAGE = { TextEncoder, TextDecoder, crypto, performance, setTimeout, clearTimeout };

const SCRIPT = `
  import { compositePublicKey, compositeSign, compositeVerify } from './composite.ts';
  import { openBase, sealBase } from './hpke.ts';
  import { native } from './native.ts';
  import { selectProvider } from './select.ts';
  import { xwingPublicKey } from './xwing.ts';

  export async function run() {
    const provider = selectProvider();
    const [seed, long] = [new Uint8Array(32).fill(1), new Uint8Array(64).fill(2)];
    const common = { info: seed, aad: seed };
    const sealed = await sealBase(provider, { ...common, publicKey: xwingPublicKey(provider, seed), plaintext: long });
    const opened = await openBase(provider, { ...common, seed, enc: sealed.enc, ciphertext: sealed.ciphertext });
    const signature = compositeSign(provider, long, seed, 'volly/1/offer');
    const verified = compositeVerify(provider, compositePublicKey(provider, long), seed, 'volly/1/offer', signature);
    return [native === undefined, provider.name, verified, opened.plaintext.join() === long.join()].join();
  }`;

describe('The crypto in a browser', () => {
  it('is bundled without any module of Node and works where there is no process and no Buffer', async () => {
    const resolveDir = fileURLToPath(new URL('../../src/crypto', import.meta.url));
    const { outputFiles } = await build({
      stdin: { contents: SCRIPT, resolveDir, loader: 'ts' },
      bundle: true,
      write: false,
      platform: 'browser',
      format: 'iife',
      globalName: 'volly',
      logLevel: 'silent',
    });
    const code = outputFiles[0]?.text ?? '';
    const outcome = await runInContext(`${code}; volly.run()`, createContext({ ...PAGE }));
    assert.equal(outcome, 'true,noble,true,true');
  });
});
