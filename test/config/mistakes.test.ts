/** Every mistake in a configuration is named in a line: where it stands, what was found, what is allowed, and what may have been meant. */
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { checkConfig, checkConfigFile, loadConfig } from '../../src/config/load.ts';
import { GOOD, type Mistake } from './mistakes/mistake.ts';
import { NAMES } from './mistakes/names.ts';
import { SHAPE } from './mistakes/shape.ts';
import { VALUES } from './mistakes/values.ts';

const problemsOf = (text: string): readonly string[] => {
  const checked = checkConfig(text, 'config.yaml');
  return 'problems' in checked ? checked.problems : [];
};

describe('a mistake in the configuration', () => {
  const table = (title: string, mistakes: readonly Mistake[]) =>
    describe(title, () => {
      for (const { name, text, problems } of mistakes)
        it(name, () =>
          assert.deepEqual(
            problemsOf(text),
            problems.map((line) => `config.yaml:${line}`),
          ),
        );
    });
  table('of names and places', NAMES);
  table('in a value', VALUES);
  table('of shape', SHAPE);

  it('hides no other', () => {
    assert.equal(problemsOf(`${GOOD}  legacy: 1\nlogging: {level: x}\nstrage: 1\n`).length, 3);
  });

  it('is a bomb of aliases', () => {
    const bomb = [
      'a: &a [x,x,x,x,x,x,x,x,x]',
      ...'bcdefgh'.split('').map((c, i) => `${c}: &${c} [${`*${'abcdefg'[i]},`.repeat(9)}]`),
    ];
    assert.deepEqual(problemsOf(bomb.join('\n')), ['config.yaml:1:1: too many aliases; allowed are at most 100']);
  });

  it('is cut where it is long, and stays one line', () => {
    const [line = ''] = problemsOf(`${GOOD}logging: {level: "${'x'.repeat(500)}\\n"}\n`);
    assert.match(line, /^config\.yaml:5:18: logging\.level found "x{59}…; allowed is error, warn, info or debug$/);
  });

  it('never shows a secret', () => {
    const secret = '5b0c5c8c0a3d1b5f6e2d9a7c4f1e8b3d';
    const texts = [
      `${GOOD}appservice: {as_token: ${secret}, registration: ${secret}}\n`,
      `${GOOD}admin: {token: ${secret}}\nhs_token: ${secret}\n`,
      GOOD.replace('wss://', `wss://alice:${secret}@`),
    ];
    for (const text of texts) {
      assert.ok(problemsOf(text).length > 0);
      assert.ok(!problemsOf(text).join('\n').includes(secret), text);
    }
  });

  it('has its line and column whatever the file holds, and never ends the program', () => {
    const names = [
      'homeserver',
      'gateway',
      'listen',
      'port',
      'policy',
      'deny',
      'carriers',
      'kind',
      'url',
      'server_name',
      'legacy',
    ];
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        fc.jsonValue(),
        fc.dictionary(fc.constantFrom(...names), tie('tree')),
        fc.array(tie('tree')),
      ),
    }));
    const texts = fc.oneof(
      tree.map((value) => stringify(value)),
      tree.map((value) => JSON.stringify(value)),
      fc.string({ unit: 'binary' }),
    );
    fc.assert(
      fc.property(texts, (text) => {
        for (const line of problemsOf(text)) assert.match(line, /^config\.yaml:\d+:\d+: [^\p{Cc}]+$/u);
        assert.ok(problemsOf(text).length > 0, 'no such file is a configuration');
      }),
    );
  });

  describe('of the file', () => {
    let dir: string;
    before(() => {
      dir = mkdtempSync(join(tmpdir(), 'volly-config-'));
    });
    after(() => rmSync(dir, { recursive: true }));
    const written = (name: string, content: string | Uint8Array): string => {
      writeFileSync(join(dir, name), content);
      return join(dir, name);
    };

    it('is that there is none, or a directory', () => {
      assert.throws(() => loadConfig(join(dir, 'none.yaml'), {}), {
        code: 'bad_config',
        message: /none\.yaml cannot be read: there is none; `volly-bridge setup` writes it \(ENOENT\)$/,
      });
      assert.throws(() => loadConfig(dir, {}), { code: 'bad_config', message: /cannot be read: it is a directory \(EISDIR\)$/ });
    });

    it('is that this user may not read it', function () {
      if (process.getuid?.() === 0) {
        console.log('      skipped: root reads every file');
        this.skip();
      }
      const file = written('secret.yaml', GOOD);
      chmodSync(file, 0o000);
      assert.throws(() => loadConfig(file, {}), { message: /cannot be read: this user may not \(EACCES\)$/ });
    });

    it('is that it is no UTF-8', () => {
      const file = written('latin1.yaml', Buffer.from(`${GOOD}# caf\xe9\n`, 'latin1'));
      assert.deepEqual(checkConfigFile(file, {}), { problems: [`${file}:5:6: not text; save it as UTF-8`] });
      const wide = written('utf16.yaml', Buffer.from(`\ufeff${GOOD}`, 'utf16le'));
      assert.deepEqual(checkConfigFile(wide, {}), { problems: [`${wide}:1:1: not text; save it as UTF-8`] });
    });

    it('stops the bridge with the first one and how many more there are', () => {
      const file = written('config.yaml', `${GOOD}  legacy: 1\nlogging: {level: x}\n`);
      assert.throws(() => loadConfig(file, {}), {
        code: 'bad_config',
        message: /config\.yaml:5:11: gateway\.legacy .* \(and 1 more\)$/,
      });
    });
  });
});
