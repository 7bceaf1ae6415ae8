import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import { systemRandom } from '../../src/clock.ts';
import { checkConfig } from '../../src/config/load.ts';
import { buildRegistration, newTokens, sampleRegistration } from '../../src/config/registration.ts';
import { loadRegistration, writeRegistration } from '../../src/config/registration-file.ts';
import type { Config } from '../../src/config/schema.ts';
import { openSecrets } from '../../src/config/secret-file.ts';
import { parseServerName } from '../../src/ids.ts';

const tokens = newTokens(systemRandom);
const server = parseServerName('orchid.example');
const options = { id: 'volly', url: 'http://127.0.0.1:29330', server };

describe('registration', () => {
  let dir: string;
  const file = (): string => join(dir, 'data', 'registration.yaml');
  const config = (id = 'volly'): Config => {
    const text = `homeserver: {server_name: orchid.example}\ngateway: {public_url: wss://x.example}\nappservice: {id: ${id}}\n`;
    const checked = checkConfig(text, join(dir, 'config.yaml'));
    assert.ok('config' in checked);
    return checked.config;
  };
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'volly-registration-'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  it('claims members and the bridge user of its own server, and nobody else', () => {
    const { namespaces } = buildRegistration(options, tokens);
    const claims = (user: string): boolean =>
      namespaces.users.some(({ regex, exclusive }) => exclusive && new RegExp(regex).test(user));
    assert.ok(claims('@_volly_alice:orchid.example'));
    assert.ok(claims('@_volly.bridge:orchid.example'));
    for (const user of [
      '@alice:orchid.example',
      '@_volly_alice:orchidXexample',
      '@_volly_a:orchid.example.evil',
      '@x@_volly_a:orchid.example',
    ])
      assert.ok(!claims(user), user);
  });

  it('writes the server name of an IPv6 address as itself', () => {
    const { namespaces } = buildRegistration({ ...options, server: parseServerName('[::1]:8448') }, tokens);
    assert.ok(new RegExp(namespaces.users[0]?.regex ?? '').test('@_volly_alice:[::1]:8448'));
  });

  it('asks for no to-device and no ephemeral pushes', () => {
    assert.doesNotMatch(sampleRegistration(options), /ephemeral|to_device|2409|3202/);
  });

  it('is written for its owner only and read back', () => {
    assert.equal(writeRegistration(config(), systemRandom), 'written');
    assert.equal(statSync(file()).mode & 0o777, 0o600);
    assert.equal(statSync(dirname(file())).mode & 0o777, 0o700);
    const loaded = loadRegistration(config());
    assert.match(loaded.as_token, /^[0-9a-f]{64}$/);
    assert.notEqual(loaded.as_token, loaded.hs_token);
    assert.deepEqual(parse(readFileSync(file(), 'utf8')), loaded);
  });

  it('keeps its tokens when it is written again', () => {
    writeRegistration(config(), systemRandom);
    const before = loadRegistration(config());
    assert.equal(writeRegistration(config(), systemRandom), 'unchanged');
    assert.equal(writeRegistration(config('other'), systemRandom), 'updated');
    assert.deepEqual(loadRegistration(config('other')), { ...before, id: 'other' });
  });

  it('of another configuration is refused', () => {
    writeRegistration(config(), systemRandom);
    assert.throws(() => loadRegistration(config('other')), { code: 'bad_config', message: /id does not fit the configuration/ });
  });

  it('with placeholder tokens is refused, and replaced when written', () => {
    writeRegistration(config(), systemRandom);
    writeFileSync(file(), sampleRegistration(options));
    assert.throws(() => loadRegistration(config()), { code: 'placeholder_secret' });
    assert.equal(writeRegistration(config(), systemRandom), 'updated');
    assert.doesNotMatch(readFileSync(file(), 'utf8'), /PLACEHOLDER/);
  });

  describe('of tokens that come as files of their own', () => {
    const [as, hs] = ['a'.repeat(64), 'b'.repeat(64)];
    const given = (): Config => {
      const { appservice, ...rest } = config();
      return { ...rest, appservice: { ...appservice, as_token_file: join(dir, 'as'), hs_token_file: join(dir, 'hs') } };
    };
    beforeEach(() => {
      writeFileSync(join(dir, 'as'), `${as}\n`);
      writeFileSync(join(dir, 'hs'), hs);
    });

    it('need not be on this machine', () => {
      const { as_token, hs_token, id } = loadRegistration(given());
      assert.deepEqual([as_token, hs_token, id], [as, hs, 'volly']);
    });

    it('is written with these, also over others', () => {
      writeRegistration(config(), systemRandom);
      assert.throws(() => loadRegistration(given()), {
        code: 'bad_config',
        message: /registration\.yaml: as_token does not fit the configuration; `volly-bridge registration` mends it/,
      });
      assert.equal(writeRegistration(given(), systemRandom), 'updated');
      assert.equal(loadRegistration(given()).as_token, as);
      assert.equal(writeRegistration(given(), systemRandom), 'unchanged');
    });

    it('is refused where a file is missing, or holds no token, a weak one, or the other one', () => {
      for (const content of [undefined, '', 'two words', `${as}\n${as}`, 'short', hs]) {
        if (content === undefined) rmSync(join(dir, 'as'));
        else writeFileSync(join(dir, 'as'), content);
        for (const act of [() => loadRegistration(given()), () => writeRegistration(given(), systemRandom)])
          assert.throws(act, (error: Error) => {
            assert.match(error.message, /^bad_config: .*\/as(:| )/);
            assert.ok(!error.message.includes(hs));
            return true;
          });
      }
    });
  });

  it('is named where everybody on this machine may read it', () => {
    writeRegistration(config(), systemRandom);
    assert.deepEqual(openSecrets(config()), []);
    chmodSync(file(), 0o640);
    assert.deepEqual(openSecrets(config()), []);
    chmodSync(file(), 0o644);
    assert.deepEqual(openSecrets(config()), [file()]);
  });

  it('that is absent, no YAML, without tokens, or with weak ones is refused', () => {
    assert.throws(() => loadRegistration(config()), { code: 'bad_config', message: /is missing/ });
    writeRegistration(config(), systemRandom);
    const yaml = readFileSync(file(), 'utf8');
    for (const bad of [
      '{',
      '',
      '7',
      'as_token: 1',
      yaml.replace(/as_token: .*/, 'as_token: secret'),
      yaml.replace(/rate_limited: .*/, ''),
    ]) {
      writeFileSync(file(), bad);
      assert.throws(() => loadRegistration(config()), { code: 'bad_config' });
    }
  });
});
