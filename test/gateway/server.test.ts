/** The gateway on real sockets: upgrades, limits, closes. And what stands around it: keys, invites, addresses. */
import assert from 'node:assert/strict';
import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import WebSocket from 'ws';
import { equal, toBase64url } from '../../src/bytes.ts';
import { systemClock, systemRandom } from '../../src/clock.ts';
import { selectProvider } from '../../src/crypto/select.ts';
import { countedAs, forwardedAddress } from '../../src/gateway/address.ts';
import { loadCommunityKey, readCommunityKey, succeedCommunityKey } from '../../src/gateway/community-key.ts';
import { Door, type Place } from '../../src/gateway/door.ts';
import { Gateway } from '../../src/gateway/server.ts';
import { parseMemberId, parseServerName } from '../../src/ids.ts';
import { LIMITS } from '../../src/limits.ts';
import { formatInvite, gatewayUrl, parseInvite } from '../../src/protocol/invite.ts';
import { decodeSuccessor } from '../../src/protocol/successor.ts';
import { type App, SERVER, World } from './world.ts';

describe('gateway server', () => {
  let world: World;
  let gateway: Gateway;
  let http: Server;
  let url: string;

  beforeEach(async () => {
    world = new World(1, selectProvider(), Date.now());
    gateway = new Gateway({ ...world.options, clock: systemClock });
    http = createServer();
    gateway.attach(http);
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    url = `ws://127.0.0.1:${(http.address() as AddressInfo).port}`;
  });
  afterEach(async () => {
    await gateway.stop();
    await new Promise((resolve) => http.close(resolve));
  });

  const until = async (holds: () => boolean) => {
    for (let turn = 0; turn < 2_000 && !holds(); turn++) await new Promise((resolve) => setTimeout(resolve, 2));
    assert.ok(holds(), 'did not come to pass');
  };
  const online = async (app: App) => {
    app.connection.connect();
    await until(() => app.events.includes('caught-up'));
  };
  const ended = (ws: WebSocket) =>
    new Promise<number>((resolve) => {
      ws.on('close', resolve);
      ws.on('error', () => {});
    });
  const status = (target: string) =>
    new Promise((resolve) => {
      const ws = new WebSocket(target);
      ws.on('unexpected-response', (_, response: IncomingMessage) => resolve(response.statusCode));
      ws.on('open', () => resolve('open'));
      ws.on('error', () => {});
    });

  for (const kind of ['ws', 'Node’s own'] as const)
    it(`serves an app over a real WebSocket (${kind})`, async () => {
      const user = world.user();
      const device = user.add('PHONE', world.clock.now());
      const app = world.app(device, {
        clock: systemClock,
        url: `${url}/volly/v1`,
        token: await world.invite(user),
        open: (target) => (kind === 'ws' ? (new WebSocket(target) as never) : new globalThis.WebSocket(target)),
      });
      await online(app);
      await app.connection.sendEnvelope(world.envelope(device.address, device.address));
      assert.equal(world.routed.length, 1);
      app.connection.close();
      await until(() => world.directory.size === 0);
    });

  it('says bye to its apps when it stops', async () => {
    const user = world.user();
    const device = user.add('PHONE', world.clock.now());
    const open = (target: string) => new WebSocket(target) as never;
    const app = world.app(device, { clock: systemClock, url: `${url}/volly/v1`, token: await world.invite(user), open });
    await online(app);
    await gateway.stop();
    await until(() => app.connection.state.kind !== 'online');
    assert.equal(app.events.at(-1), 'offline shutting_down');
    app.connection.close();
    assert.equal(await status(`${url}/volly/v1`), 503);
  });

  it('answers 404 to upgrades of other paths', async () => {
    assert.equal(await status(`${url}/volly/v2`), 404);
    assert.equal(await status(`${url}/`), 404);
  });

  it('closes on text, and on messages past 65,536 bytes', async () => {
    const text = new WebSocket(`${url}/volly/v1`);
    text.on('open', () => text.send('hello'));
    assert.equal(await ended(text), 4400);
    const large = new WebSocket(`${url}/volly/v1`);
    large.on('open', () => large.send(new Uint8Array(LIMITS.frameBytes + 1)));
    assert.equal(await ended(large), 1009);
  });

  it('lets an address in 30 times a minute, and its handshakes 8 at once', async () => {
    const sockets = Array.from({ length: 9 }, () => new WebSocket(`${url}/volly/v1`));
    const results = await Promise.all(
      sockets.map(
        (ws) =>
          new Promise((resolve) => {
            ws.on('open', () => resolve('open'));
            ws.on('unexpected-response', (_, response) => resolve(response.statusCode));
            ws.on('error', () => {});
          }),
      ),
    );
    assert.deepEqual(results.sort(), [429, ...Array(8).fill('open')]);
    for (const ws of sockets) ws.terminate();
  });
});

describe('gateway door', () => {
  it('counts per address and minute, at once, and in all', async () => {
    const door = new Door();
    const places: Place[] = [];
    for (let at = 0; at < LIMITS.handshakesPerAddressPerMinute; at++) {
      const place = await door.enter(countedAs('192.0.2.1'));
      assert.ok(typeof place === 'object');
      place.greeted();
      places.push(place);
    }
    assert.equal(await door.enter(countedAs('192.0.2.1')), 429);
    for (let host = 0; host < 8; host++)
      for (let at = 0; at < 8; at++) assert.equal(typeof (await door.enter(countedAs(`198.51.100.${host}`))), 'object');
    assert.equal(await door.enter(countedAs('203.0.113.1')), 503);
  });

  it('frees a place once, however often it is left', async () => {
    const door = new Door();
    for (let round = 0; round < 20; round++) {
      const place = await door.enter(countedAs('192.0.2.1'));
      assert.ok(typeof place === 'object');
      place.left();
      place.left();
      place.greeted();
    }
    for (let at = 0; at < 8; at++) assert.equal(typeof (await door.enter(countedAs('192.0.2.1'))), 'object');
    assert.equal(await door.enter(countedAs('192.0.2.1')), 429);
  });

  it('counts an IPv6 host by its /64 and the /48 around it, and IPv4 inside IPv6 as IPv4', () => {
    assert.deepEqual(countedAs('2001:db8:1:2:3:4:5:6'), { host: '2001:db8:1:2::/64', network: '2001:db8:1::/48' });
    assert.deepEqual(countedAs('2001:db8:1:2:3:4:5:6'), countedAs('2001:db8:1:2::9'));
    assert.notEqual(countedAs('2001:db8:1:2::1').host, countedAs('2001:db8:1:3::1').host);
    assert.deepEqual(countedAs('::ffff:192.0.2.7'), { host: '192.0.2.7' });
    assert.deepEqual(countedAs('::1'), { host: '0:0:0:0::/64', network: '0:0:0::/48' });
  });

  it('believes X-Forwarded-For as far as trusted proxies wrote it', () => {
    const of = forwardedAddress(['127.0.0.1', '10.0.0.0/8', '::1']);
    const from = (remoteAddress: string, forwarded?: string) =>
      of({ socket: { remoteAddress }, headers: forwarded ? { 'x-forwarded-for': forwarded } : {} } as never);
    assert.equal(from('203.0.113.9', '1.2.3.4'), '203.0.113.9');
    assert.equal(from('127.0.0.1', '1.2.3.4, 203.0.113.9'), '203.0.113.9');
    assert.equal(from('::ffff:127.0.0.1', '203.0.113.9, 10.1.2.3'), '203.0.113.9');
    assert.equal(from('127.0.0.1'), '127.0.0.1');
    assert.equal(from('127.0.0.1', 'nonsense'), 'nonsense');
  });
});

describe('community key', () => {
  let folder: string;
  const load = (name = 'community.key') =>
    loadCommunityKey({ file: join(folder, name), server: SERVER, provider: selectProvider(), random: systemRandom });

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'volly-key-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('is made once, for its owner only, and is the same ever after', async () => {
    const [first, second] = [await load('new/community.key'), await load('new/community.key')];
    assert.deepEqual([first.created, second.created], [true, false]);
    assert.ok(equal(first.hash, second.hash));
    assert.equal((await stat(join(folder, 'new/community.key'))).mode & 0o777, 0o600);
    const both = await Promise.all([load('race.key'), load('race.key')].map((one) => one.catch((error) => error)));
    assert.equal(both.filter((one) => one.created === true).length <= 1, true);
  });

  it('is refused when others may read it, when it is a link, and when it is something else', async () => {
    await load();
    const file = join(folder, 'community.key');
    for (const mode of [0o640, 0o604, 0o660]) {
      await chmod(file, mode);
      await assert.rejects(load(), { code: 'bad_config' });
    }
    await chmod(file, 0o600);
    await symlink(file, join(folder, 'linked.key'));
    await assert.rejects(load('linked.key'), { code: 'bad_config' });
    const good = await readFile(file, 'latin1');
    for (const text of ['', 'x', good.slice(0, -3), `${good}${good}`]) {
      await writeFile(file, text);
      await assert.rejects(load(), { code: 'bad_config' });
      assert.equal(await readFile(file, 'latin1'), text, 'and left alone');
    }
  });
});

describe('community key: its successor', () => {
  let folder: string;
  const provider = selectProvider();
  const load = () => loadCommunityKey({ file: join(folder, 'community.key'), server: SERVER, provider, random: systemRandom });
  const succeed = async (now = 1) =>
    succeedCommunityKey(join(folder, 'community.key'), await load(), { provider, random: systemRandom, now });

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'volly-key-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('takes its place, for the owner only, and leaves the old seed nowhere', async () => {
    const old = await load();
    await succeed(42);
    const next = await load();
    assert.ok(!equal(old.hash, next.hash));
    const [step] = next.successors.map(decodeSuccessor);
    assert.deepEqual([step?.oldKey, step?.time], [old.publicKey, 42]);
    assert.equal((await stat(join(folder, 'community.key'))).mode & 0o777, 0o600);
    assert.deepEqual(await readdir(folder), ['community.key']);
    assert.ok(!(await readFile(join(folder, 'community.key'), 'latin1')).includes(toBase64url(old.seed)));
  });

  it('keeps as many steps as an app may need, the newest', async () => {
    const keys = [await load()];
    for (let n = 0; n <= LIMITS.communitySuccessors; n++) {
      await succeed();
      keys.push(await load());
    }
    const { successors } = keys.at(-1)!;
    assert.deepEqual(
      successors.map((step) => decodeSuccessor(step).oldKey),
      keys.slice(1, -1).map(({ publicKey }) => publicKey),
    );
  });

  it('is refused with steps that are none', async () => {
    await load();
    await succeed();
    const file = join(folder, 'community.key');
    const good = await readFile(file, 'latin1');
    for (const text of [
      good.slice(0, -3),
      `${good}x`,
      good.replace('successor-1 ', 'successor-2 '),
      good.replace(/-1 (.{40})/g, '-1 '),
    ]) {
      await writeFile(file, text);
      await assert.rejects(load(), { code: 'bad_config' }, text.slice(-40));
    }
  });

  it('is refused with steps that no app could follow', async () => {
    await load();
    const file = join(folder, 'community.key');
    const first = await readFile(file, 'latin1');
    await succeed();
    await succeed();
    const good = await readFile(file, 'latin1');
    const [key, older, newer] = good.trimEnd().split('\n');
    const other = parseServerName('iris.example');
    await assert.rejects(readCommunityKey({ file, server: other, provider }), { code: 'bad_config' });
    for (const text of [
      [key, older],
      [key, newer, older],
      [first.trimEnd(), older, newer],
      [key, ...Array.from({ length: LIMITS.communitySuccessors }, () => older), newer],
    ]) {
      await writeFile(file, text.join('\n'));
      await assert.rejects(load(), { code: 'bad_config' });
    }
    await writeFile(file, [key, newer].join('\n'));
    assert.equal((await load()).successors.length, 1);
  });

  it('is not made by who only reads', async () => {
    await assert.rejects(readCommunityKey({ file: join(folder, 'community.key'), server: SERVER, provider }), {
      code: 'bad_config',
    });
    assert.deepEqual(await readdir(folder), []);
  });
});

describe('invites', () => {
  const communityKeyHash = systemRandom(32);
  const token = systemRandom(16);
  const member = parseMemberId('a.b_c=d@localhost:8448');

  it('come back as they were', () => {
    for (const [publicUrl, gateway] of [
      ['https://chat.orchid.example', 'wss://chat.orchid.example/volly/v1'],
      ['wss://chat.orchid.example:8443/bridge/', 'wss://chat.orchid.example:8443/bridge/volly/v1'],
      ['http://127.0.0.1:29331', 'ws://127.0.0.1:29331/volly/v1'],
      ['ws://[::1]:29331', 'ws://[::1]:29331/volly/v1'],
    ] as const) {
      assert.equal(gatewayUrl(publicUrl), gateway);
      const invite = parseInvite(formatInvite({ gateway, member, communityKeyHash, token }));
      assert.deepEqual(invite, { gateway, server: 'localhost:8448', member, communityKeyHash, token });
    }
  });

  it('are refused when anything is wrong with them', () => {
    const good = formatInvite({ gateway: 'wss://chat.orchid.example/volly/v1', member, communityKeyHash, token });
    const bad = [
      '', good.slice(1), good.replace('volly:', 'https:'), good.replace('#', '?'), good.replace('/invite', ''),
      good.replace('chat.', 'chat\n.'), good.replace('chat.', 'u:p@chat.'), good.slice(0, good.lastIndexOf('@')), good.replace('#', '#A'),
    ]; // biome-ignore format: a table
    for (const link of bad) assert.throws(() => parseInvite(link), /bad_invite|bad_address/, link);
    assert.throws(() => gatewayUrl('ftp://x'), { code: 'bad_config' });
    assert.throws(() => gatewayUrl('x'), { code: 'bad_config' });
  });
});
