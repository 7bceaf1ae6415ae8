/** Bytes of strangers at every stage, slow peers, and changed records: the process lives, and nobody else notices. */
import assert from 'node:assert/strict';
import { LIMITS } from '../../src/limits.ts';
import { decodeHandshake } from '../../src/protocol/handshake.ts';
import { greet } from '../../src/protocol/handshake-client.ts';
import { seeded } from '../support/clock.ts';
import type { Wire } from './wire.ts';
import { World } from './world.ts';

type Message = Uint8Array<ArrayBuffer>;

/** Random, or a real message with some bytes changed, cut off, or doubled. */
function mangle(dice: () => number, real: Message): Message {
  const below = (limit: number) => Math.floor(dice() * limit);
  switch (below(5)) {
    case 0:
      return Uint8Array.from({ length: below(2_000) }, () => below(256));
    case 1:
      return real.slice(0, below(real.length));
    case 2:
      return new Uint8Array([...real, ...real]);
    case 3:
      return new Uint8Array(0);
    default: {
      const message = real.slice();
      for (let count = 1 + below(4); count > 0; count--) message[below(message.length)] = below(256);
      return message;
    }
  }
}

describe('gateway: hostile bytes', () => {
  it('answers each bad hello with one plain error and the close of its code', async () => {
    const world = new World();
    const dice = seeded(11);
    const { message } = greet(world.provider, world.random);
    for (let run = 0; run < 300; run++) {
      const wire = world.wire();
      const bad = mangle(dice, message);
      wire.inject(bad);
      await world.until(() => wire.cut || wire.log.length > 0);
      const [answer, ...more] = wire.log.filter(({ way }) => way === 'down').map((one) => decodeHandshake(one.message));
      assert.equal(more.length, 0);
      // A changed `random` or ticket is a hello like any other.
      if (answer?.kind === 'server-hello') wire.sever();
      else assert.ok(answer?.kind === 'error' && wire.closedWith === answer.code, `run ${run}`);
    }
    assert.deepEqual(world.warnings, []);
  });

  it('closes on a bad proof, and on bad records after it', async () => {
    const world = new World();
    const { device } = await world.enrolled();
    const dice = seeded(12);
    for (let run = 0; run < 120; run++) {
      const stage = 1 + (run % 4);
      const app = world.app(device, {
        onWire: (wire) => {
          wire.tamper = (way, message, index) => (way === 'up' && index === stage ? mangle(dice, message) : message);
        },
      });
      app.connection.connect();
      await world.until(() => app.connection.state.kind !== 'connecting');
      for (let sent = 0; sent < 4; sent++) {
        void app.connection.sendEnvelope(world.envelope(device.address, device.address)).catch(() => {});
        await world.until(() => true);
      }
      await world.until(() => app.wires[0]?.closedWith !== undefined);
      assert.match(
        app.wires[0]?.closedWith as string,
        /^(handshake_failed|open_failed|bad_encoding)$/,
        `run ${run}, stage ${stage}`,
      );
      app.connection.close();
    }
    assert.deepEqual(world.warnings, []);
  });

  it('leaves others alone while it happens', async () => {
    const world = new World();
    const bob = await world.enrolled('bob');
    const { app, device } = await world.enrolled('alice');
    app.wires[0]?.inject(new Uint8Array(100));
    await world.until(() => app.wires[0]?.closedWith === 'open_failed');
    await bob.app.connection.sendEnvelope(world.envelope(bob.device.address, device.address));
    assert.equal(bob.app.connection.state.kind, 'online');
  });

  it('takes records in no other order, and none twice', async () => {
    for (const trick of ['swap', 'repeat'] as const) {
      const world = new World();
      const held: Message[] = [];
      const { app, device } = await world.enrolled();
      const wire = app.wires[0] as Wire;
      wire.tamper = (way, message) => {
        if (way === 'up' && trick === 'repeat') setImmediate(() => wire.inject(message.slice()));
        if (way === 'up' && trick === 'swap' && held.length === 0) {
          held.push(message);
          return undefined;
        }
        return message;
      };
      void app.connection.sendEnvelope(world.envelope(device.address, device.address)).catch(() => {});
      await world.until(() => true);
      void app.connection.sendEnvelope(world.envelope(device.address, device.address)).catch(() => {});
      await world.until(() => wire.closedWith === 'open_failed');
      assert.equal(new Set(world.routed).size, world.routed.length);
      if (trick === 'swap') assert.equal(world.routed.length, 0);
      app.connection.close();
    }
  });

  it('refuses a second message before the answer to the first', async () => {
    const world = new World();
    const { message } = greet(world.provider, world.random);
    const wire = world.wire();
    for (let count = 0; count < 3; count++) wire.inject(message.slice());
    await world.until(() => wire.closedWith !== undefined);
    assert.equal(wire.closedWith, 'handshake_failed');
  });

  it('lives when the store breaks in a handshake, and when the router does', async () => {
    const world = new World();
    const { app, device } = await world.enrolled();
    world.onRoute = async () => {
      throw new TypeError('a bug');
    };
    const code = await app.connection.sendEnvelope(world.envelope(device.address, device.address)).catch((error) => error.code);
    assert.equal(code, 'overloaded');
    world.stores.members.list = async () => {
      throw new TypeError('another bug');
    };
    const late = world.app(device);
    late.connection.connect();
    await world.until(() => late.events.length === 2);
    assert.deepEqual(late.events, ['connecting', 'offline handshake_failed']);
    assert.equal(world.warnings.length, 2);
    app.connection.close();
    late.connection.close();
  });
});

describe('gateway: slow peers', () => {
  it('gives a handshake 10 s, wherever it stops', async () => {
    const world = new World();
    const silent = world.wire();
    const stalled = world.wire();
    stalled.inject(greet(world.provider, world.random).message);
    await world.until(() => stalled.log.length > 0);
    await world.clock.advance(LIMITS.handshakeMs - 1);
    assert.equal(silent.closedWith ?? stalled.closedWith, undefined);
    await world.clock.advance(1);
    assert.deepEqual([silent.closedWith, stalled.closedWith], ['handshake_failed', 'handshake_failed']);
    await world.clock.advance(60_000);
    assert.equal(world.clock.timers, 0);
  });

  it('leaves a gateway that does not answer after 10 s, and comes again', async () => {
    const world = new World();
    const device = world.user().add('PHONE', world.clock.now());
    const app = world.app(device, {
      onWire: (wire) => {
        wire.hold = true;
      },
    });
    app.connection.connect();
    await world.clock.advance(LIMITS.handshakeMs);
    assert.equal(app.events.at(-1), 'offline timed_out');
    await world.clock.advance(1_000);
    assert.equal(app.wires.length, 2);
    app.connection.close();
  });

  it('waits longer and longer, at most 30 s, and never two apps alike', async () => {
    const delays: number[][] = [];
    for (const seed of [1, 2]) {
      const world = new World(seed);
      const device = world.user().add('PHONE', world.clock.now());
      const seen: number[] = [];
      const app = world.app(device, {
        open: () => {
          throw new Error('no network');
        },
        onState: (state) => {
          if (state.kind === 'offline') seen.push(state.retryIn ?? 0);
        },
      });
      app.connection.connect();
      await world.clock.advance(400_000);
      app.connection.close();
      delays.push(seen);
      assert.ok(seen.length > 10);
      for (const [at, delay] of seen.entries()) {
        const most = Math.min(30_000, 500 * 2 ** at);
        assert.ok(delay >= most / 2 && delay <= most, `${at}: ${delay}`);
      }
    }
    assert.notDeepEqual(delays[0], delays[1]);
  });

  it('rejects what it could not send in time, saying whether it may have arrived', async () => {
    const world = new World();
    const { app, device } = await world.enrolled();
    world.onRoute = () => new Promise(() => {});
    const code = (promise: Promise<void>) =>
      promise.then(
        () => 'ok',
        (error) => error.code,
      );
    const sent = code(app.connection.sendEnvelope(world.envelope(device.address, device.address)));
    await world.until(() => world.routed.length === 1);
    app.wires[0]?.sever();
    const waiting = code(app.connection.sendEnvelope(world.envelope(device.address, device.address)));
    // No way back in: every further wire is dead.
    Object.assign(world.gateway, { greet: async () => {} });
    await world.clock.advance(31_000);
    assert.deepEqual([await sent, await waiting], ['unconfirmed', 'expired']);
    app.connection.close();
    assert.equal(await code(app.connection.sendEnvelope(world.envelope(device.address, device.address))), 'not_connected');
  });
});
