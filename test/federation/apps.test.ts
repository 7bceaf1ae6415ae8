/** Apps that come and go, on real servers: a network that vanishes without a word, an app that is killed and started again. */
import assert from 'node:assert/strict';
import { VollyClient } from '../../src/client/client.ts';
import type { ConnectionState, WebSocketLike } from '../../src/client/connection-types.ts';
import type { Incoming } from '../../src/client/incoming.ts';
import { nodeSocket } from '../../src/client/node.ts';
import { MemoryStore } from '../../src/client/store.ts';
import { LIMITS } from '../../src/limits.ts';
import { enrol, type Person, within } from '../support/people.ts';
import { waitingFor } from './bridge-rows.ts';
import { acceptAndConnect, callWithChannel, hangUp } from './conversation.ts';
import { anyFailed, type Pair, startPair, until } from './pair.ts';
import { type SilentRelay, startRelay } from './silent-relay.ts';

/** Bob's app, behind the relay. */
interface Run extends Person {
  readonly incoming: Incoming[];
  readonly states: ConnectionState[];
  /** As SIGKILL: says nothing, and never connects again. */
  kill(): void;
}

describe('Apps that come and go', () => {
  let pair: Pair;
  let relay: SilentRelay;
  let alice: Person;
  let bob: Run;
  let invite: string;
  const runs: Run[] = [];

  async function start(store: MemoryStore): Promise<Run> {
    let dead = false;
    const socket = (url: string): WebSocketLike => {
      if (dead) throw new Error('killed');
      const behind = new URL(url);
      behind.port = String(relay.port);
      return nodeSocket()(behind.href);
    };
    const client = await within('bob starts', VollyClient.connect({ store, invite, device: 'PHONE', socket }));
    const run: Run = {
      ...{ client, store, incoming: [], states: [client.connection] },
      kill() {
        dead = true;
        relay.cut();
      },
    };
    client.on('incoming', (incoming) => run.incoming.push(incoming));
    client.on('connection', (state) => run.states.push(state));
    client.on('fault', (error) => {
      throw error;
    });
    runs.push(run);
    return run;
  }

  const called = async () => {
    const calling = await callWithChannel(alice, bob.client.member);
    await until('the offer is delivered', () => calling.call.progress !== 'calling');
    return calling;
  };

  before(async () => {
    pair = await startPair({ tapped: false });
    relay = await startRelay(pair.maple);
    alice = await enrol(pair.orchid, 'alice');
    invite = await pair.maple.invite('bob');
    bob = await start(new MemoryStore());
  });
  after(async function () {
    await pair?.close([alice, ...runs], anyFailed(this));
    relay?.close();
  });

  it('a killed app starts again with its ticket, and rings for the call that waits, once', async () => {
    bob.kill();
    const calling = await called();
    assert.equal(calling.call.progress, 'delivered');
    bob = await start(bob.store);
    assert.deepEqual(bob.states[0], { kind: 'online', resumed: true });
    await until('it rings', () => bob.incoming.length === 1);
    const conversation = await acceptAndConnect(calling, bob.incoming[0] as Incoming);
    assert.equal(await conversation.echo('hello'), 'hello');
    // Another network, in the middle of it: what was sent over the old connection is not sent twice.
    const connections = relay.made;
    relay.silence();
    bob.client.reconnect();
    await until('it is back', () => bob.client.connection.kind === 'online');
    assert.equal(relay.made, connections + 1);
    await conversation.calling.restartIce();
    await until('new keys', () => conversation.calling.epoch === 2 && conversation.taken.epoch === 2);
    await hangUp(conversation, 'caller');
    assert.equal(bob.incoming.length, 1);
  });

  it('a killed app that comes back to an offer and its hangup does not ring', async () => {
    bob.kill();
    const { call } = await called();
    await call.hangUp();
    await until('both are with his bridge', () => waitingFor(pair.maple, bob) === 2);
    bob = await start(bob.store);
    // The call after it rings: whatever waited before has been opened.
    const next = await called();
    await until('the next one rings', () => bob.incoming.length > 0);
    assert.equal(bob.incoming.length, 1);
    await next.call.hangUp();
    await until('it stops', () => bob.incoming[0]?.end !== undefined);
  });

  it('a network that vanishes is noticed within two heartbeats, and the call that came meanwhile rings once', async function () {
    this.timeout(4 * LIMITS.pingMs);
    const before = bob.states.length;
    relay.silence();
    const since = performance.now();
    await until('some of it passes', () => performance.now() - since > LIMITS.pingMs, 2 * LIMITS.pingMs);
    const calling = await called();
    await until('bob notices', () => bob.states.length > before, 2 * LIMITS.pingMs);
    const [state] = bob.states.slice(before);
    assert.ok(state?.kind === 'offline' && state.cause?.code === 'timed_out');
    const rang = bob.incoming.length;
    await until('it rings', () => bob.incoming.length > rang);
    assert.deepEqual(bob.client.connection, { kind: 'online', resumed: true });
    const conversation = await acceptAndConnect(calling, bob.incoming[rang] as Incoming);
    assert.equal(await conversation.echo('hello'), 'hello');
    await hangUp(conversation, 'callee');
    assert.equal(bob.incoming.length, rang + 1);
  });
});
