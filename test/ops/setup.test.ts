/** `volly-bridge setup` without a homeserver: its questions, its refusals, what it writes, and that it goes on where it was. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig } from '../../src/config/load.ts';
import { loadRegistration } from '../../src/config/registration-file.ts';
import type { ErrorCode } from '../../src/errors.ts';
import type { Given } from '../../src/ops/setup/form.ts';
import { SetupWorld } from './setup-world.ts';

const HERE = 'http://127.0.0.1:8008';
const NAMED: Given = { 'homeserver.server_name': 'orchid.example', 'gateway.public_url': 'wss://volly.orchid.example' };
const coded = (code: ErrorCode, message: RegExp) => ({ name: 'VollyError', code, message });

describe('Setup', () => {
  let world: SetupWorld;
  beforeEach(() => {
    world = new SetupWorld();
    world.homeservers.set(HERE, 'orchid.example');
  });
  afterEach(() => world.close());

  describe('by flags', () => {
    it('writes only what differs from the defaults, and both files load', async () => {
      assert.equal(await world.run(NAMED), true);
      const config = loadConfig(world.file);
      assert.equal(
        world.settings,
        'homeserver:\n  server_name: orchid.example\ngateway:\n  public_url: wss://volly.orchid.example\n',
      );
      assert.match(world.config, /^#.*`volly-bridge setup`.*config\.sample\.yaml\n#.*\n/);
      assert.equal(loadRegistration(config).url, 'http://127.0.0.1:29330');
      for (const file of [world.file, world.registration]) assert.equal(statSync(file).mode & 0o777, 0o600);
      assert.deepEqual(readdirSync(world.folder).sort(), ['config.yaml', 'data']);
    });

    it('takes every flag', async () => {
      const registration = join(world.folder, 'elsewhere/volly.yaml');
      const given: Given = {
        ...{ ...NAMED, 'homeserver.url': 'https://matrix.orchid.example', 'homeserver.server_name': 'orchid.example:8448' },
        ...{ 'appservice.url': 'http://bridge:1001', 'appservice.listen.host': '0.0.0.0', 'appservice.listen.port': '1001' },
        ...{ 'appservice.registration': registration, 'gateway.listen.host': '::', 'gateway.listen.port': '1002' },
        ...{ 'gateway.legacy': true, 'admin.listen.port': '1003' },
      };
      await world.run(given);
      const { homeserver, appservice, gateway, admin } = loadConfig(world.file);
      assert.deepEqual(homeserver, { url: 'https://matrix.orchid.example', server_name: 'orchid.example:8448' });
      assert.deepEqual([appservice.url, appservice.listen], ['http://bridge:1001', { host: '0.0.0.0', port: 1001 }]);
      assert.deepEqual([appservice.registration, existsSync(registration)], [registration, true]);
      assert.deepEqual([gateway.listen, gateway.legacy, admin.listen.port], [{ host: '::', port: 1002 }, true, 1003]);
    });

    it('asks the homeserver for its name', async () => {
      await world.run({ 'gateway.public_url': 'wss://volly.orchid.example' });
      assert.equal(loadConfig(world.file).homeserver.server_name, 'orchid.example');
    });

    it('names every flag that is missing, and guesses neither name nor address', async () => {
      world.homeservers.clear();
      world.likelyName = 'orchid.example';
      await assert.rejects(world.run({}), coded('bad_answer', /needed and not given: --server-name, --public-url$/));
      assert.ok(world.text.includes(`At ${HERE} nothing answers (ECONNREFUSED).`), world.text);
      assert.deepEqual(readdirSync(world.folder), []);
    });

    for (const [flag, given, words] of [
      ['--server-name', { 'homeserver.server_name': 'Orchid' }, 'found "Orchid"; allowed is a Matrix server name in lower case'],
      ['--homeserver-url', { 'homeserver.url': 'orchid' }, 'found "orchid"; allowed is an http:// or https:// address'],
      [
        '--public-url',
        { 'gateway.public_url': 'ws://orchid.example' },
        'found "ws://orchid.example"; allowed is a wss:// or https://',
      ],
      ['--gateway-port', { 'gateway.listen.port': 'x' }, 'found "x"; allowed is a whole number from 1 to 65535'],
      ['--admin-port', { 'admin.listen.port': '65536' }, 'found 65536; allowed is a whole number from 1 to 65535'],
      ['--appservice-host', { 'appservice.listen.host': 'a b' }, 'found "a b"; allowed is an IP address or host name'],
      [
        '--appservice-url',
        { 'appservice.url': 'http://b/path' },
        'found "http://b/path"; allowed is an http:// or https:// address',
      ],
    ] satisfies [string, Given, string][])
      it(`says what is wrong with ${flag} in the words of the configuration check, and writes nothing`, async () => {
        await assert.rejects(world.run({ ...NAMED, ...given }), ({ code, message }) => {
          assert.equal(code, 'bad_answer');
          assert.ok(message.startsWith(`bad_answer: ${flag}: ${words}`), message);
          return true;
        });
        assert.deepEqual(readdirSync(world.folder), []);
      });

    it('refuses another name than the homeserver’s own', async () => {
      world.homeservers.set(HERE, 'maple.example');
      await assert.rejects(
        world.run(NAMED),
        coded('bad_answer', /found orchid\.example; the homeserver at .* is maple\.example$/),
      );
      assert.deepEqual(readdirSync(world.folder), []);
    });

    it('needs an address of the bridge where the homeserver is elsewhere, and then listens for it', async () => {
      const url = 'http://synapse:8008';
      await assert.rejects(world.run({ ...NAMED, 'homeserver.url': url }), coded('bad_answer', /: --appservice-url$/));
      await world.run({ ...NAMED, 'homeserver.url': url, 'appservice.url': 'http://volly:29330' });
      assert.deepEqual(loadConfig(world.file).appservice.listen, { host: '0.0.0.0', port: 29330 });
      const proxied: Given = { ...NAMED, 'homeserver.url': url, 'appservice.url': 'http://127.0.0.1:29330' };
      await world.run(proxied, { force: true });
      assert.equal(loadConfig(world.file).appservice.listen.host, '127.0.0.1');
    });
  });

  describe('with ports that are taken', () => {
    it('takes free ones beside the usual ones, each another', async () => {
      for (const port of [29330, 29331, 29332, 29340]) world.takenPorts.add(port);
      await world.run(NAMED);
      const { appservice, gateway, admin } = loadConfig(world.file);
      assert.deepEqual([appservice.listen.port, gateway.listen.port, admin.listen.port], [29350, 29341, 29342]);
      assert.equal(appservice.url, 'http://127.0.0.1:29350');
      assert.match(world.text, /Port 29330, the usual one of appservice, is taken: 29350 is free\./);
    });

    it('refuses a taken one that a flag names, and one port for two', async () => {
      world.takenPorts.add(4000);
      await assert.rejects(
        world.run({ ...NAMED, 'gateway.listen.port': '4000' }),
        coded('port_taken', /127\.0\.0\.1:4000 EADDRINUSE$/),
      );
      const same: Given = { ...NAMED, 'gateway.listen.port': '5000', 'admin.listen.port': '5000' };
      await assert.rejects(world.run(same), coded('bad_answer', /found 5000; it is the port of gateway\.listen too/));
      assert.deepEqual(readdirSync(world.folder), []);
    });
  });

  describe('at a terminal', () => {
    it('asks for what it cannot find, and Enter takes what stands in brackets', async () => {
      world.typed = ['', '', ''];
      await world.run({});
      assert.deepEqual(world.asked, [
        `Address of the homeserver [${HERE}]: `,
        'Name of the homeserver [orchid.example]: ',
        'Address of the gateway for apps [wss://volly.orchid.example]: ',
      ]);
      assert.ok(world.text.includes(`At ${HERE} a homeserver answers: Synapse/1.163.2.`), world.text);
      assert.ok(world.text.includes('The address that invites give to members’ apps.'), world.text);
      assert.equal(loadConfig(world.file).gateway.public_url, 'https://volly.orchid.example');
    });

    it('asks nothing that a flag says', async () => {
      world.typed = [''];
      await world.run(NAMED);
      assert.deepEqual(world.asked, [`Address of the homeserver [${HERE}]: `]);
    });

    it('asks again until an answer is allowed, in the words of the configuration check', async () => {
      world.homeservers.set(HERE, null);
      world.typed = ['', 'Orchid', '', 'orchid.example', 'http://volly.orchid.example', 'https://calls.orchid.example'];
      await world.run({});
      assert.equal(world.asked.filter((question) => question === 'Name of the homeserver: ').length, 3);
      for (const found of ['"Orchid"', '""', '"http://volly.orchid.example"'])
        assert.ok(world.text.includes(`  found ${found}; allowed is a`), found);
      assert.equal(loadConfig(world.file).gateway.public_url, 'https://calls.orchid.example');
    });

    it('offers the name that leads to the homeserver by well-known file, and takes another', async () => {
      world.homeservers.set(HERE, null);
      world.likelyName = 'orchid.example';
      world.typed = ['', 'rose.example', ''];
      await world.run({});
      assert.equal(world.asked[1], 'Name of the homeserver [orchid.example]: ');
      assert.equal(loadConfig(world.file).homeserver.server_name, 'rose.example');
    });

    it('asks again for a homeserver that does not answer, and Enter keeps it', async () => {
      world.typed = ['http://127.0.0.1:1', 'http://127.0.0.1:2', '', 'maple.example', ''];
      await world.run({});
      assert.equal(loadConfig(world.file).homeserver.url, 'http://127.0.0.1:2');
      assert.equal(world.asked[1], 'Address of the homeserver [http://127.0.0.1:1]: ');
    });

    it('asks for a port where the usual one is taken, and not for one that is taken too', async () => {
      world.takenPorts.add(29331).add(4000);
      world.typed = ['', '', '4000', '29330', '29341', ''];
      await world.run({});
      assert.equal(world.asked.filter((question) => question === 'Port of gateway [29341]: ').length, 3);
      assert.ok(world.text.includes('  127.0.0.1:4000 EADDRINUSE'), world.text);
      assert.ok(world.text.includes('  found 29330; it is the port of appservice.listen too, they need two'), world.text);
      assert.equal(loadConfig(world.file).gateway.listen.port, 29341);
    });

    it('asks where the homeserver reaches the bridge, if that is on another machine', async () => {
      world.homeservers.set('http://synapse:8008', 'orchid.example');
      world.typed = ['http://synapse:8008', '', '', 'http://volly:29330', ''];
      await world.run({});
      assert.equal(world.asked[2], 'Address to listen on for the homeserver [0.0.0.0]: ');
      const { url, listen } = loadConfig(world.file).appservice;
      assert.deepEqual([url, listen], ['http://volly:29330', { host: '0.0.0.0', port: 29330 }]);
    });

    it('leaves nothing behind when it is ended at any question', async () => {
      for (let answers = 0; answers < 3; answers++) {
        world.typed = Array(answers).fill('');
        await assert.rejects(world.run({}), coded('setup_ended', /^setup_ended$/));
      }
      assert.deepEqual(readdirSync(world.folder), []);
    });
  });

  describe('with a configuration that is there', () => {
    const OWN = 'homeserver: {server_name: orchid.example} # mine\ngateway: {public_url: wss://volly.orchid.example}\n';

    it('goes on with it, asking nothing, and leaves it as it is', async () => {
      writeFileSync(world.file, OWN);
      world.typed = [];
      assert.equal(await world.run({}), true);
      assert.equal(world.config, OWN);
      assert.ok(
        world.text.startsWith(`${world.file}: there and good; going on with it\n${world.registration}: written`),
        world.text,
      );
    });

    it('goes on by the same command, whichever spelling of an address or path it has', async () => {
      const given: Given = { ...NAMED, 'appservice.registration': join(world.folder, 'r.yaml'), 'gateway.legacy': true };
      await world.run(given);
      const before = [world.config, readFileSync(join(world.folder, 'r.yaml'), 'utf8')];
      await world.run({ ...given, 'gateway.public_url': 'https://volly.orchid.example/' });
      assert.deepEqual([world.config, readFileSync(join(world.folder, 'r.yaml'), 'utf8')], before);
      assert.ok(world.text.includes('r.yaml: unchanged'), world.text);
    });

    it('refuses a flag that says something else', async () => {
      writeFileSync(world.file, OWN);
      const message = /config\.yaml has gateway\.listen\.port 29331, and --gateway-port says 4000$/;
      await assert.rejects(world.run({ ...NAMED, 'gateway.listen.port': '4000' }), coded('config_exists', message));
      assert.equal(world.config, OWN);
      assert.ok(!existsSync(world.registration));
    });

    it('refuses one that is not good, and names the line', async () => {
      writeFileSync(world.file, OWN.replace('public_url', 'url'));
      await assert.rejects(world.run(NAMED), coded('bad_config', /config\.yaml:2:.*\(and 1 more\)$/));
    });

    it('writes over it with --force, keeps the old one beside it and the tokens that the homeserver knows', async () => {
      await world.run(NAMED);
      const old = readFileSync(world.file, 'utf8');
      await world.run(NAMED, { force: true });
      assert.ok(!world.text.includes('kept: '), 'nothing was lost');
      const before = loadRegistration(loadConfig(world.file));
      await world.run(
        { ...NAMED, 'gateway.public_url': 'wss://other.example', 'appservice.listen.port': '4000' },
        { force: true },
      );
      const after = loadRegistration(loadConfig(world.file));
      assert.equal(loadConfig(world.file).gateway.public_url, 'https://other.example');
      const kept = /^kept: (.*\/config\.yaml\.before-\d{8}T\d{6})$/m.exec(world.text)?.[1] ?? '';
      assert.deepEqual([readFileSync(kept, 'utf8'), statSync(kept).mode & 0o777], [old, 0o600]);
      assert.deepEqual([after.as_token, after.hs_token, after.url], [before.as_token, before.hs_token, 'http://127.0.0.1:4000']);
      assert.match(world.text, /registration\.yaml: updated\n.*be restarted/);
    });

    it('refuses the name that the homeserver says it does not have', async () => {
      writeFileSync(world.file, OWN);
      world.homeservers.set(HERE, 'maple.example');
      await assert.rejects(
        world.run({}),
        coded('bad_config', /server_name is orchid\.example; the homeserver at .* is maple\.example$/),
      );
    });

    it('says which file cannot be written', async () => {
      mkdirSync(join(world.folder, 'config.yaml.new/full'), { recursive: true });
      await assert.rejects(world.run(NAMED), coded('bad_config', /config\.yaml cannot be written \(/));
    });
  });
});
