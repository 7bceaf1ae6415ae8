/** Nothing waits without an end: calls whose hang-up was lost, and what an app asks of a community that is silent. */
import assert from 'node:assert/strict';
import { VollyClient } from '../../src/client/client.ts';
import type { ConnectionOptions, ConnectionState, GatewayConnection } from '../../src/client/connection-types.ts';
import { MemoryStore } from '../../src/client/store.ts';
import { VollyError } from '../../src/errors.ts';
import { LIMITS } from '../../src/limits.ts';
import { FakePeerConnection } from '../support/fake-pc.ts';
import { ALICE, BOB, connectCall, Watcher, World } from './world.ts';

const coded = (code: string) => (error: unknown) => error instanceof VollyError && error.code === code;
const LOST = { reason: 'signalling_lost', by: 'itself' };

describe('client endings: a hang-up that is lost', () => {
  for (const left of ['caller', 'callee'] as const) {
    const scene = async () => {
      const world = new World();
      const [alice, bob] = [await world.client({ member: ALICE }), await world.client({ member: BOB })];
      const connected = await connectCall(world, alice, bob, new Watcher(bob));
      const { callerPc, calleePc } = connected;
      for (const pc of [callerPc, calleePc]) pc.connect();
      await world.settle();
      world.bridge.fate = ({ type }) => (type === 'app.volly.call.hangup' ? 'lost' : undefined);
      await (left === 'caller' ? connected.callee : connected.caller).hangUp();
      return { world, call: connected[left], pc: left === 'caller' ? callerPc : calleePc };
    };

    it(`ends the ${left} when its media end, at the latest a minute after the last that was heard`, async () => {
      const { world, call, pc } = await scene();
      pc.disconnect();
      await world.advance(LIMITS.heartbeatLostMs - LIMITS.heartbeatMs);
      assert.equal(call.state, 'active');
      await world.advance(LIMITS.heartbeatMs);
      assert.deepEqual(call.end, LOST);
      await world.close();
    });

    it(`leaves the ${left} alone while media flow, and ends it with them`, async () => {
      const { world, call, pc } = await scene();
      await world.advance(600_000);
      assert.equal(call.state, 'active');
      pc.disconnect();
      await world.settle();
      assert.deepEqual(call.end, LOST);
      await world.close();
    });
  }

  it('an app without a network ends its call too', async () => {
    const world = new World();
    const [alice, bob] = [await world.client({ member: ALICE }), await world.client({ member: BOB })];
    const { caller, callee } = await connectCall(world, alice, bob, new Watcher(bob));
    world.bridge.offline(alice.address);
    await world.advance(LIMITS.heartbeatLostMs + LIMITS.heartbeatMs);
    assert.deepEqual([caller.end, callee.end], [LOST, LOST]);
    await world.close();
  });
});

describe('client endings: a community that is silent', () => {
  /** Takes everything and answers nothing; `say` is its only word. */
  class Silence implements GatewayConnection {
    state: ConnectionState = { kind: 'offline' };
    readonly #options: ConnectionOptions;
    constructor(options: ConnectionOptions) {
      this.#options = options;
    }
    say(state: ConnectionState): void {
      this.state = state;
      this.#options.onState?.(state);
    }
    connect(): void {
      this.say({ kind: 'connecting' });
    }
    reconnect(): void {}
    now = () => this.#options.clock.now();
    sendEnvelope = () => new Promise<void>(() => {});
    publish = () => new Promise<void>(() => {});
    close(): void {
      this.say({ kind: 'closed' });
    }
  }

  /** A client that is online with it, unless told to leave that out. */
  const scene = (world: World) => {
    const made: Silence[] = [];
    const gateway = (options: ConnectionOptions) => {
      const silence = new Silence(options);
      made.push(silence);
      return silence;
    };
    const connecting = world.client({ member: ALICE, store: new MemoryStore(), gateway });
    return { made, connecting };
  };
  const online = async (world: World) => {
    const { made, connecting } = scene(world);
    await world.settle();
    made[0]?.say({ kind: 'online', resumed: false });
    return { client: await connecting, gateway: made[0] as Silence };
  };

  it('a new device is told after a minute why it does not get in', async () => {
    for (const cause of [undefined, new VollyError('not_connected')]) {
      const world = new World();
      const { made, connecting } = scene(world);
      const refused = assert.rejects(connecting, coded(cause?.code ?? 'timed_out'));
      await world.settle();
      if (cause) made[0]?.say({ kind: 'offline', cause });
      await world.advance(LIMITS.communityWaitMs);
      await refused;
      assert.equal(made[0]?.state.kind, 'closed');
      assert.equal(world.clock.timers, 0, 'nothing goes on');
    }
  });

  it('a call is not made: timed_out', async () => {
    const world = new World();
    const { client } = await online(world);
    const refused = assert.rejects(client.call(BOB, { pc: new FakePeerConnection() }), coded('timed_out'));
    await world.advance(LIMITS.keysWaitMs + 1);
    await refused;
    const unseen = assert.rejects(client.presence.watch(BOB), coded('timed_out'));
    await world.advance(LIMITS.keysWaitMs + 1);
    await unseen;
    const patience = new AbortController();
    const given = assert.rejects(client.call(BOB, { pc: new FakePeerConnection(), signal: patience.signal }), /enough/);
    await world.settle();
    patience.abort(new Error('enough'));
    await given;
    await assert.rejects(client.call(BOB, { pc: new FakePeerConnection(), signal: patience.signal }), /enough/);
  });

  it('a device is approved without it, and one that is removed waits a minute', async () => {
    const world = new World();
    const { client } = await online(world);
    const request = await VollyClient.requestDevice({ store: new MemoryStore(), member: ALICE, device: 'LAPTOP' });
    assert.match(await client.approveDevice(request), /^volly-approval:/);
    const refused = assert.rejects(client.removeDevice('LAPTOP'), coded('timed_out'));
    await world.advance(LIMITS.communityWaitMs);
    await refused;
    assert.deepEqual(
      client.devices.map(({ id }) => id),
      ['PHONE'],
    );
  });

  it('closing waits for nobody', async () => {
    const world = new World();
    const { client, gateway } = await online(world);
    await client.close();
    assert.equal(gateway.state.kind, 'closed');
  });
});
