import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkConfig, loadConfig } from '../../src/config/load.ts';
import { sampleConfig } from '../../src/config/sample.ts';

const GOOD = `homeserver:
  server_name: orchid.example
gateway:
  public_url: wss://volly.orchid.example
`;

const problemsOf = (text: string): readonly string[] => {
  const checked = checkConfig(text, 'config.yaml');
  return 'problems' in checked ? checked.problems : [];
};

/** A mistake, and the one whole line that names it. */
const MISTAKES: readonly { name: string; text: string; line: string }[] = [
  {
    name: 'a word for a port',
    text: `${GOOD}  listen:\n    port: eighty\n`,
    line: 'config.yaml:6:11: gateway.listen.port found "eighty"; allowed is a whole number from 1 to 65535',
  },
  {
    name: 'a port out of range',
    text: `${GOOD}  listen: {port: 70000}\n`,
    line: 'config.yaml:5:18: gateway.listen.port found 70000; allowed is a whole number from 1 to 65535',
  },
  {
    name: 'a port with a fraction',
    text: `${GOOD}  listen: {port: 80.5}\n`,
    line: 'config.yaml:5:18: gateway.listen.port found 80.5; allowed is a whole number from 1 to 65535',
  },
  {
    name: 'a misspelled option',
    text: `${GOOD}  legcay: true\n`,
    line: 'config.yaml:5:3: gateway.legcay is unknown; did you mean legacy?',
  },
  {
    name: 'a misspelled section',
    text: `${GOOD}polcy:\n  deny: []\n`,
    line: 'config.yaml:5:1: polcy is unknown; did you mean policy?',
  },
  {
    name: 'camel case',
    text: GOOD.replace('public_url', 'publicUrl'),
    line: 'config.yaml:4:3: gateway.publicUrl is unknown; did you mean public_url?',
  },
  {
    name: 'an option in the wrong section',
    text: `${GOOD}storage:\n  public_url: x\n`,
    line: 'config.yaml:6:3: storage.public_url is unknown; did you mean gateway.public_url?',
  },
  {
    name: 'a token in the configuration',
    text: `${GOOD}appservice:\n  as_token: abc\n`,
    line: 'config.yaml:6:3: appservice.as_token is unknown; tokens live in the file that appservice.registration names',
  },
  {
    name: 'a name like no other',
    text: `${GOOD}storage:\n  engine: x\n`,
    line: 'config.yaml:6:3: storage.engine is unknown; allowed are path',
  },
  {
    name: 'a missing option',
    text: GOOD.replace('  server_name: orchid.example\n', '  url: http://localhost:8008\n'),
    line: 'config.yaml:1:1: homeserver.server_name is missing; allowed is a Matrix server name in lower case, with its port if it has one, as orchid.example',
  },
  {
    name: 'a missing section',
    text: 'homeserver:\n  server_name: orchid.example\n',
    line: 'config.yaml:1:1: gateway is missing; allowed is a section with listen, public_url, legacy, trusted_proxies, tls',
  },
  {
    name: 'an upper-case server name',
    text: GOOD.replace('orchid', 'Orchid'),
    line: 'config.yaml:2:16: homeserver.server_name found "Orchid.example"; allowed is a Matrix server name in lower case, with its port if it has one, as orchid.example',
  },
  {
    name: 'an address for a server name',
    text: `${GOOD}policy:\n  deny: [iris.example, https://bad.example]\n`,
    line: 'config.yaml:6:24: policy.deny.1 found "https://bad.example"; allowed is a Matrix server name, as iris.example, or *.iris.example',
  },
  {
    name: 'one name for a list',
    text: `${GOOD}policy:\n  deny: iris.example\n`,
    line: 'config.yaml:6:9: policy.deny found "iris.example"; allowed is a list of Matrix server names',
  },
  {
    name: 'a homeserver address with a path',
    text: GOOD.replace('homeserver:\n', 'homeserver:\n  url: http://localhost:8008/_matrix\n'),
    line: 'config.yaml:2:8: homeserver.url found "http://localhost:8008/_matrix"; allowed is an http:// or https:// address without a path',
  },
  {
    name: 'a gateway without TLS for others than this machine',
    text: GOOD.replace('wss:', 'ws:'),
    line: 'config.yaml:4:15: gateway.public_url found "ws://volly.orchid.example"; allowed is a wss:// or https:// address (ws:// or http:// for localhost only)',
  },
  {
    name: 'yes for true',
    text: `${GOOD}  legacy: yes\n`,
    line: 'config.yaml:5:11: gateway.legacy found "yes"; allowed is true or false',
  },
  {
    name: 'an unknown log level',
    text: `${GOOD}logging: {level: verbose}\n`,
    line: 'config.yaml:5:18: logging.level found "verbose"; allowed is error, warn, info or debug',
  },
  {
    name: 'an option without a value',
    text: `${GOOD}storage:\n  path:\n`,
    line: 'config.yaml:6:8: storage.path found nothing; allowed is a path, relative to this file or absolute',
  },
  {
    name: 'a list for a section',
    text: `${GOOD}keys: [a]\n`,
    line: 'config.yaml:5:7: keys found a list; allowed is a section with path',
  },
  {
    name: 'half of tls',
    text: `${GOOD}  tls:\n    key: ./tls.key\n`,
    line: 'config.yaml:5:3: gateway.tls.certificate is missing; allowed is a path, relative to this file or absolute',
  },
  {
    name: 'one port for both listeners',
    text: `${GOOD}  listen: {port: 29330}\n`,
    line: 'config.yaml:5:18: gateway.listen.port is the port of appservice.listen too; they need two',
  },
  {
    name: 'a server both allowed and denied',
    text: `${GOOD}policy:\n  allow: [iris.example]\n  deny: [iris.example]\n`,
    line: 'config.yaml:7:10: policy.deny.0 is in policy.allow too',
  },
  {
    name: 'an unknown carrier',
    text: `${GOOD}carriers: [{kind: pigeon}]\n`,
    line: 'config.yaml:5:19: carriers.0.kind found "pigeon"; allowed is to_device',
  },
  {
    name: 'a carrier with no time',
    text: `${GOOD}carriers:\n  - kind: to_device\n    timeout_ms: 0\n`,
    line: 'config.yaml:7:17: carriers.0.timeout_ms found 0; allowed is a whole number from 1000 to 30000',
  },
  {
    name: 'no carrier',
    text: `${GOOD}carriers: []\n`,
    line: 'config.yaml:5:11: carriers found a list; allowed is a list of sections with kind, timeout_ms',
  },
  {
    name: 'a carrier twice',
    text: `${GOOD}carriers: [{kind: to_device}, {kind: to_device, timeout_ms: 2000}]\n`,
    line: 'config.yaml:5:38: carriers.1.kind stands there already',
  },
  { name: 'a section twice', text: `${GOOD}gateway: {}\n`, line: 'config.yaml:5:1: not YAML: Map keys must be unique' },
  { name: 'no map at all', text: 'hello\n', line: 'config.yaml:1:1:  found "hello"; allowed is a section with homeserver' },
];

describe('config', () => {
  it('takes the least there can be and fills in the rest', () => {
    const checked = checkConfig(GOOD, '/etc/volly/config.yaml');
    assert.ok('config' in checked);
    const { config } = checked;
    assert.equal(config.homeserver.url, 'http://127.0.0.1:8008');
    assert.equal(config.gateway.legacy, false);
    assert.deepEqual(config.carriers, [{ kind: 'to_device', timeout_ms: 10_000 }]);
    assert.equal(config.storage.path, '/etc/volly/data/volly.db');
    assert.equal(config.appservice.registration, '/etc/volly/data/registration.yaml');
  });

  it('takes its own sample', () => {
    assert.deepEqual(problemsOf(sampleConfig()), []);
  });

  it('takes the sample with its commented section uncommented', () => {
    const text = sampleConfig().replaceAll(/^ {2}# (tls:| {2}\w+: )/gm, '  $1');
    const checked = checkConfig(text, '/etc/config.yaml');
    assert.ok('config' in checked);
    assert.deepEqual(checked.config.gateway.tls, { certificate: '/etc/tls.crt', key: '/etc/tls.key' });
  });

  it('takes the public address in either spelling, with a path', () => {
    const publicUrl = (text: string): string | undefined => {
      const checked = checkConfig(GOOD.replace('wss://volly.orchid.example', text), 'config.yaml');
      return 'config' in checked ? checked.config.gateway.public_url : undefined;
    };
    assert.equal(publicUrl('wss://volly.orchid.example/'), 'https://volly.orchid.example');
    assert.equal(publicUrl('https://orchid.example/calls'), 'https://orchid.example/calls');
    assert.equal(publicUrl('ws://127.0.0.1:8080'), 'http://127.0.0.1:8080');
    for (const bad of [
      'ws://orchid.example',
      'wss://a:b@orchid.example',
      'wss://orchid.example/?a',
      'wss://orchid.example/a%20b',
      'orchid',
    ])
      assert.equal(publicUrl(bad), undefined, bad);
  });

  for (const { name, text, line } of MISTAKES) {
    it(`names ${name}`, () => {
      const problems = problemsOf(text);
      assert.ok(
        problems.some((problem) => problem.startsWith(line)),
        `expected ${line}\ngot ${problems.join('\n')}`,
      );
    });
  }

  it('names all mistakes of a file', () => {
    assert.equal(problemsOf(`${GOOD}  legacy: 1\nlogging: {level: x}\nstrage: 1\n`).length, 3);
  });

  it('names an empty file', () => {
    assert.match(problemsOf('')[0] ?? '', /^config.yaml:1:1: homeserver is missing/);
  });

  it('refuses a bomb of aliases', () => {
    const bomb = [
      'a: &a [x,x,x,x,x,x,x,x,x]',
      ...'bcdefgh'.split('').map((c, i) => `${c}: &${c} [${`*${'abcdefg'[i]},`.repeat(9)}]`),
    ];
    assert.match(problemsOf(bomb.join('\n'))[0] ?? '', /aliases/);
  });

  it('throws bad_config with the first mistake and how many more', () => {
    const dir = mkdtempSync(join(tmpdir(), 'volly-config-'));
    const file = join(dir, 'config.yaml');
    try {
      writeFileSync(file, `${GOOD}  legacy: 1\nlogging: {level: x}\n`);
      assert.throws(() => loadConfig(file), {
        code: 'bad_config',
        message: /config\.yaml:5:11: gateway\.legacy .* \(and 1 more\)$/,
      });
      assert.throws(() => loadConfig(join(dir, 'none.yaml')), {
        code: 'bad_config',
        message: /none\.yaml cannot be read \(ENOENT\)/,
      });
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});
