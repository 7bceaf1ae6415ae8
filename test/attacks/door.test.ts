/** The gateway's door, kept shut by those who come and say nothing. */
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import WebSocket from 'ws';
import { systemClock } from '../../src/clock.ts';
import { selectProvider } from '../../src/crypto/select.ts';
import { countedAs } from '../../src/gateway/address.ts';
import { Door, type Place } from '../../src/gateway/door.ts';
import { Gateway } from '../../src/gateway/server.ts';
import { LIMITS } from '../../src/limits.ts';
import { World } from '../gateway/world.ts';

describe('attacks at the gateway’s door', () => {
  const dropped: string[] = [];
  const enter = async (door: Door, address: string, says: 'nothing' | 'hello' = 'nothing'): Promise<Place | number> => {
    const place = await door.enter(countedAs(address));
    if (typeof place === 'number') return place;
    place.silent(() => dropped.push(address));
    if (says === 'hello') place.heard();
    return place;
  };
  const host = (i: number) => `198.51.100.${i >> 3}`;

  beforeEach(() => {
    dropped.length = 0;
  });

  it('whoever is silent longest makes room for a newcomer, and nobody who has begun', async () => {
    const door = new Door();
    await enter(door, '192.0.2.1', 'hello');
    for (let i = 1; i < LIMITS.handshakesAtOnce; i++) assert.equal(typeof (await enter(door, host(i))), 'object');
    for (const newcomer of ['203.0.113.1', '203.0.113.2', '203.0.113.3'])
      assert.equal(typeof (await enter(door, newcomer, 'hello')), 'object');
    assert.deepEqual(dropped, [host(1), host(2), host(3)]);
  });

  it('without anybody silent a newcomer waits; who is over its rate drops nobody', async () => {
    const door = new Door();
    for (let i = 0; i < LIMITS.handshakesPerAddressPerMinute; i++) ((await enter(door, '192.0.2.1')) as Place).left();
    for (let i = 0; i < LIMITS.handshakesAtOnce; i++) await enter(door, host(i), i === 9 ? 'nothing' : 'hello');
    assert.equal(await enter(door, '192.0.2.1'), 429);
    assert.deepEqual(dropped, []);
    assert.equal(typeof (await enter(door, '203.0.113.1', 'hello')), 'object');
    assert.equal(await enter(door, '203.0.113.2'), 503);
    assert.deepEqual(dropped, [host(9)]);
  });

  it('one /48 of IPv6 has a share of all, not a place for each of its 65,536 networks', async () => {
    const door = new Door();
    let entered = 0;
    const at = (i: number) => `2001:db8:1:${i.toString(16)}::1`;
    for (let i = 0; i < 100; i++) if (typeof (await enter(door, at(i), 'hello')) === 'object') entered++;
    assert.equal(entered, LIMITS.handshakesAtOnce / 2);
    assert.equal(typeof (await enter(door, '2001:db8:2::1', 'hello')), 'object');

    const other = new Door();
    const places: (Place | number)[] = [];
    for (let i = 0; i < 300; i++) {
      const place = await enter(other, at(i), 'hello');
      if (typeof place === 'object') place.greeted();
      places.push(place);
    }
    assert.equal(
      places.filter((place) => typeof place === 'object').length,
      LIMITS.addressesPerNetwork * LIMITS.handshakesPerAddressPerMinute,
    );
    assert.equal(places.at(-1), 429);
  });

  describe('on real sockets', () => {
    let http: Server;
    let gateway: Gateway;
    let world: World;
    let silent: WebSocket[] = [];

    beforeEach(async () => {
      world = new World(1, selectProvider(), Date.now());
      let sockets = 0;
      gateway = new Gateway({ ...world.options, clock: systemClock, addressOf: () => `192.0.2.${sockets++}` });
      http = createServer();
      gateway.attach(http);
      await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    });

    afterEach(async () => {
      for (const ws of silent) ws.terminate();
      await gateway.stop();
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    });

    it('an app comes in past silent sockets that hold every handshake', async () => {
      const url = `ws://127.0.0.1:${(http.address() as AddressInfo).port}/volly/v1`;
      silent = Array.from({ length: LIMITS.handshakesAtOnce }, () => new WebSocket(url));
      let closed = 0;
      for (const ws of silent) ws.on('close', () => closed++).on('error', () => {});
      await Promise.all(silent.map((ws) => new Promise((resolve) => ws.on('open', resolve))));
      const user = world.user();
      const device = user.add('PHONE', Date.now());
      const open = (target: string) => new WebSocket(target) as never;
      const app = world.app(device, { clock: systemClock, url, token: await world.invite(user), open });
      app.connection.connect();
      const up = () => app.events.includes('caught-up');
      for (let turn = 0; turn < 1_000 && !up(); turn++) await new Promise((resolve) => setTimeout(resolve, 2));
      const events = [...app.events];
      app.connection.close();
      assert.deepEqual(events, ['connecting', 'online', 'caught-up']);
      assert.equal(closed, 1);
      assert.equal(world.counts.get('gateway_refused silent'), 1);
    });
  });
});
