/** `volly-bridge setup` from the homeserver's lines on: what is printed, the wait for the restart, the doctor, and the real terminal. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';
import { parse } from 'yaml';
import type { Given } from '../../src/ops/setup/form.ts';
import { lookAt } from '../../src/ops/setup/look.ts';
import { openTerminal } from '../../src/ops/setup/terminal.ts';
import { homeserverLines, tellHomeserver } from '../../src/ops/setup/texts.ts';
import { settle } from '../support/clock.ts';
import { SetupWorld } from './setup-world.ts';

const NAMED: Given = { 'homeserver.server_name': 'orchid.example', 'gateway.public_url': 'wss://volly.orchid.example' };
const LINES = 'Add these lines to homeserver.yaml';

describe('Setup and the homeserver', () => {
  let world: SetupWorld;
  beforeEach(() => {
    world = new SetupWorld();
    world.homeservers.set('http://127.0.0.1:8008', 'orchid.example');
  });
  afterEach(() => world.close());

  it('prints the lines, waits for the restart, calls the doctor, and says what is next', async () => {
    world.refusals = [
      'wrong_token',
      'wrong_token',
      'homeserver_absent',
      'homeserver_unreachable',
      'wrong_token',
      'homeserver_refused',
    ];
    const done = world.run(NAMED);
    await world.clock.advance(20_000);
    assert.equal(await done, true);
    const steps = [
      LINES,
      `\n\napp_service_config_files:\n  - ${world.registration}\n\n`,
      'Waiting for the homeserver, for 10 min.',
      'it answers and does not know this bridge',
      'it does not answer',
      'it knows a registration that is not the one written here',
      'The homeserver knows this bridge.',
      'the doctor was here',
      'Start the bridge: volly-bridge start',
      'Let wss://volly.orchid.example lead to 127.0.0.1:29331',
      'Invite a member: volly-bridge member invite alice',
    ];
    const places = steps.map((step) => world.text.indexOf(step));
    assert.ok(
      places.every((place, i) => place > (places[i - 1] ?? -1)),
      `${places}\n${world.text}`,
    );
  });

  it('tells once a minute that it still waits, and gives up when the time is over, with what to check', async () => {
    world.refusals = Array(1_000).fill('wrong_token');
    const done = assert.rejects(world.run(NAMED, { waitMs: 150_000 }), {
      code: 'wrong_token',
      message: 'wrong_token: whoami answered, for 3 min',
    });
    await world.clock.advance(151_000);
    await done;
    assert.deepEqual(
      world.said.filter((line) => line.startsWith('  after ')).map((line) => line.split(':')[0]),
      ['  after 0 s', '  after 60 s', '  after 2 min'],
    );
    assert.match(world.text, /What to check:\n {2}- .*homeserver\.yaml.*\n {2}- .*registration\.yaml.*\n {2}- Does http/);
    assert.ok(!world.text.includes('the doctor was here'));
    assert.equal(world.clock.timers, 0);
  });

  it('prints no lines and waits for nothing where the homeserver knows the bridge already', async () => {
    assert.equal(await world.run(NAMED), true);
    assert.equal(world.tries, 1);
    assert.ok(!world.text.includes(LINES));
    assert.ok(world.text.includes('the doctor was here'));
  });

  it('does not wait with --no-wait, and the same command goes on from there', async () => {
    world.refusals = ['homeserver_absent'];
    assert.equal(await world.run(NAMED, { waitMs: undefined }), true);
    assert.ok(world.text.includes(LINES) && world.text.includes('the same command again goes on'), world.text);
    assert.ok(!world.text.includes('the doctor was here'));
    await world.run(NAMED);
    assert.ok(world.text.includes('the doctor was here'));
  });

  it('stops at once at what no restart mends', async () => {
    world.refusals = ['wrong_token', 'bad_config'];
    await assert.rejects(world.run(NAMED), { code: 'bad_config' });
    assert.ok(world.text.includes('What to check:'));
  });

  it('is not done where the doctor finds something', async () => {
    world.isWell = false;
    assert.equal(await world.run(NAMED), false);
    assert.ok(world.text.includes('it looks again with: volly-bridge doctor'), world.text);
  });

  it('names the configuration in what is next, where it is another than the usual', async () => {
    await world.run(NAMED, { command: 'volly-bridge --config there.yaml' });
    assert.ok(world.text.includes('volly-bridge --config there.yaml member invite alice'), world.text);
  });
});

describe('The homeserver’s lines', () => {
  it('are YAML with the path as it is, whatever it holds', () => {
    for (const registration of [
      '/srv/volly/data/registration.yaml',
      '/srv/a b: #c/é"\'.yaml',
      `/srv/${'long/'.repeat(60)}r.yaml`,
    ]) {
      const lines = homeserverLines({ registration, software: 'unknown' });
      assert.deepEqual(parse(lines), { app_service_config_files: [registration] });
      assert.equal(lines.split('\n').length, 2);
      assert.ok(tellHomeserver({ registration, software: 'unknown' }).includes(`\n\n${lines}\n\n`));
    }
  });

  it('are Dendrite’s for a Dendrite', () => {
    const place = { registration: '/r.yaml', software: 'Dendrite/0.13.8' };
    assert.deepEqual(parse(homeserverLines(place)), { app_service_api: { config_files: ['/r.yaml'] } });
    assert.match(tellHomeserver(place), /dendrite\.yaml/);
  });
});

async function address(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('A look at a homeserver', () => {
  let server: Server;
  let url: string;
  let answers: Record<string, { status?: number; body?: string; location?: string }>;
  before(async () => {
    server = createServer((request, response) => {
      const { status = 200, body = '', location } = answers[request.url ?? ''] ?? { status: 404 };
      response.writeHead(status, location === undefined ? {} : { location }).end(body);
    });
    url = await address(server);
  });
  after(() => {
    server.close();
    server.closeAllConnections();
  });
  const NOTHING = { away: undefined, serverName: undefined, likelyName: undefined, software: 'unknown' };
  const versions = { '/_matrix/client/versions': { body: '{"versions":["v1.11"]}' } };

  it('finds its name and its software', async () => {
    answers = {
      ...versions,
      '/_matrix/key/v2/server': { body: '{"server_name":"orchid.example:8448"}' },
      '/_matrix/federation/v1/version': { body: '{"server":{"name":"Synapse","version":"1.163.2"}}' },
    };
    const found = { ...NOTHING, serverName: 'orchid.example:8448', software: 'Synapse/1.163.2' };
    assert.deepEqual([await lookAt(url), await lookAt(`${url}/`)], [found, found]); // as it stands in public_baseurl
  });

  it('goes without them, and believes no nonsense', async () => {
    answers = versions;
    assert.deepEqual(await lookAt(url), NOTHING);
    answers = {
      ...versions,
      '/_matrix/key/v2/server': { body: '{"server_name":"not a name"}' },
      '/_matrix/federation/v1/version': { body: '{"server":"\\u001b[2J"}' },
    };
    assert.deepEqual(await lookAt(url), NOTHING);
  });

  it('finds by well-known file whose homeserver it may be, where it does not say it', async () => {
    const web: Record<string, Readonly<Record<string, unknown>>> = {
      'https://matrix.orchid.example/_matrix/client/versions': { versions: [] },
      'https://orchid.example/.well-known/matrix/client': { 'm.homeserver': { base_url: 'https://matrix.orchid.example/' } },
      'https://rose.example/_matrix/client/versions': { versions: [] },
      'https://rose.example/.well-known/matrix/client': { 'm.homeserver': { base_url: 'https://rose.example' } },
      'https://example.com/_matrix/client/versions': { versions: [] },
      'https://example.com/.well-known/matrix/client': { 'm.homeserver': 'https://example.com' },
    };
    const asked: string[] = [];
    const likely = async (url: string) => {
      const found = await lookAt(url, async (one) => {
        asked.push(one);
        const json = web[one];
        return { status: json === undefined ? 404 : 200, headers: {}, json: json ?? {}, isJson: json !== undefined, ms: 1 };
      });
      return found.likelyName;
    };
    assert.equal(await likely('https://matrix.orchid.example'), 'orchid.example');
    assert.equal(await likely('https://rose.example'), 'rose.example');
    assert.equal(await likely('https://example.com'), undefined);
    assert.ok(!asked.includes('https://com/.well-known/matrix/client'), asked.join('\n'));
  });

  it('says what is there instead', async () => {
    const away = async () => (await lookAt(url)).away;
    answers = {};
    assert.equal(await away(), 'what answers is no homeserver (404)');
    answers = { '/_matrix/client/versions': { body: '<html>' } };
    assert.equal(await away(), 'what answers is no homeserver (200)');
    answers = { '/_matrix/client/versions': { status: 301, location: 'https://orchid.example/' } };
    assert.equal(await away(), 'a redirect to https://orchid.example/ answers; name that address');
    const gone = createServer();
    const nobody = await address(gone);
    gone.close();
    assert.equal((await lookAt(nobody)).away, 'nothing answers (ECONNREFUSED)');
  });
});

describe('The terminal', () => {
  const open = () => {
    const input = new PassThrough();
    const output = new PassThrough();
    let shown = '';
    output.on('data', (data: Buffer) => {
      shown += data;
    });
    return { input, terminal: openTerminal({ input, output }, true), shown: () => shown };
  };

  it('asks, and gives the answer without the blanks around it', async () => {
    const { input, terminal, shown } = open();
    const first = terminal.ask('Name: ');
    input.write('  orchid.example \n');
    assert.equal(await first, 'orchid.example');
    const second = terminal.ask('Again: ');
    input.write('\n');
    assert.equal(await second, '');
    terminal.say('a\nb');
    await settle();
    assert.equal(shown(), 'Name: Again: a\nb\n');
    terminal.close();
  });

  it('ends setup where the input ends, also between two questions', async () => {
    const { input, terminal } = open();
    const first = terminal.ask('Name: ');
    input.write('orchid\n');
    await first;
    input.end();
    await settle();
    await assert.rejects(terminal.ask('Again: '), { code: 'setup_ended' });
    const other = open();
    const asked = other.terminal.ask('Name: ');
    other.input.end();
    await assert.rejects(asked, { code: 'setup_ended' });
  });

  it('ends setup at Ctrl-C', async () => {
    const input = new PassThrough();
    const output = Object.assign(new PassThrough(), { isTTY: true, columns: 80 });
    const asked = openTerminal({ input, output }, true).ask('Name: ');
    input.write('orchid\x03');
    await assert.rejects(asked, { code: 'setup_ended' });
  });
});
