/** The relay moves what it is given, in order, late or not at all, and ends connections as a network would. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { ManualClock, seeded } from '../../support/clock.ts';
import { Late } from './late.ts';
import { type Relay, startRelay } from './relay.ts';

describe('one way of a relayed connection', () => {
  function late(lateness: () => number): {
    clock: ManualClock;
    from: PassThrough;
    to: PassThrough;
    way: Late;
    read: () => string;
  } {
    const clock = new ManualClock();
    const [from, to] = [new PassThrough(), new PassThrough()];
    const way = new Late(from, to, { clock, lateness, moved: () => {} });
    return { clock, from, to, way, read: () => String(to.read() ?? '') };
  }

  it('brings each chunk as late as it is told, and none before the one in front of it', async () => {
    const times = [200, 50, 300];
    const { clock, from, read } = late(() => times.shift() ?? 0);
    for (const chunk of ['a', 'b', 'c']) {
      from.write(chunk);
      await clock.advance(0);
    }
    from.end();
    await clock.advance(199);
    assert.equal(read(), '');
    await clock.advance(1);
    assert.equal(read(), 'ab');
    await clock.advance(100);
    assert.equal(read(), 'c');
  });

  it('moves nothing while it is held, and then all of it', async () => {
    const { clock, from, way, read } = late(() => 0);
    way.hold();
    from.end('late');
    await clock.advance(60_000);
    assert.equal(read(), '');
    way.goOn();
    await clock.advance(0);
    assert.equal(read(), 'late');
  });
});

describe('the relay', () => {
  let target: Server;
  let relay: Relay;
  let accepted: Socket[];

  beforeEach(async () => {
    accepted = [];
    target = createServer({ allowHalfOpen: true }, (socket) => {
      accepted.push(socket.on('error', () => {}));
      socket.pipe(socket);
    }).listen(0, '127.0.0.1');
    await once(target, 'listening');
    relay = await startRelay({ target: { port: (target.address() as AddressInfo).port } });
  });

  afterEach(async () => {
    await relay.stop();
    for (const socket of accepted) socket.destroy();
    target.close();
  });

  const caller = (): Socket => connect({ port: relay.port, host: '127.0.0.1', allowHalfOpen: true });
  async function echoed(socket: Socket, word: string): Promise<string> {
    socket.write(word);
    const [answer] = await once(socket, 'data');
    return String(answer);
  }

  it('passes all of it both ways, and the end, and counts it', async () => {
    relay.delay = { ms: 3, jitterMs: 3, random: seeded(1) };
    const long = Array.from({ length: 200_000 }, (_, i) => i).join(' ');
    const socket = caller();
    socket.end(long);
    assert.equal(await text(socket), long);
    assert.deepEqual(relay.bytes, { there: long.length, back: long.length });
  });

  it('resets what is open and what comes, until it heals', async () => {
    const socket = caller();
    assert.equal(await echoed(socket, 'one'), 'one');
    relay.cut('reset');
    const [error] = await once(socket, 'error');
    assert.equal(error.code, 'ECONNRESET');
    const refused = caller();
    await once(refused, 'close').catch(() => {});
    assert.equal(accepted.length, 1);
    relay.heal();
    const again = caller();
    assert.equal(await echoed(again, 'two'), 'two');
    again.destroy();
  });

  it('swallows without a word: connections stay, new ones are made, and all moves on when it heals', async () => {
    const old = caller();
    assert.equal(await echoed(old, 'one'), 'one');
    relay.cut('blackhole');
    const fresh = caller();
    await once(fresh, 'connect');
    const heard: string[] = [];
    for (const socket of [old, fresh]) socket.on('data', (bytes) => heard.push(String(bytes))).write('two');
    // A way round the relay, there and back: by then the others would have come, too.
    const round = connect({ port: (target.address() as AddressInfo).port, host: '127.0.0.1' });
    for (let i = 0; i < 20; i++) await echoed(round, 'x');
    assert.deepEqual(heard, []);
    const both = Promise.all([old, fresh].map((socket) => once(socket, 'data')));
    relay.heal();
    await both;
    assert.deepEqual(heard, ['two', 'two']);
    for (const socket of [old, fresh, round]) socket.destroy();
  });
});
