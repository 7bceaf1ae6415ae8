/** The link carries everything in spite of what it loses, and leaves nothing behind. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { text } from 'node:stream/consumers';
import { type Link, openLink } from './link.ts';
import type { Relay } from './relay.ts';

const ours = (): string[] =>
  execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' })
    .split('\n')
    .filter((name) => name.startsWith(`volly${process.pid}`));

describe('the link between two servers', () => {
  let echo: Server;
  let link: Link;
  let relay: Relay;

  before(async () => {
    echo = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket)).listen(0, '127.0.0.1');
    await once(echo, 'listening');
    link = openLink({ lossPercent: 5 });
    relay = await link.relay(0, (echo.address() as AddressInfo).port);
  });
  after(async () => {
    await relay.stop();
    if (link.losesPackets) assert.deepEqual(ours(), []);
    echo.close();
  });

  function skip(test: Mocha.Context): never {
    console.log(`      not run: ${link.what}`);
    return test.skip();
  }

  async function roundTrip(words: string): Promise<void> {
    const socket = connect({ port: relay.port, host: '127.0.0.1', allowHalfOpen: true });
    socket.end(words);
    assert.equal(await text(socket), words);
  }

  it('brings all of it both ways', async () => {
    await roundTrip('x'.repeat(1_000_000));
  });

  it('loses packets on the way', async function () {
    if (!link.losesPackets) return skip(this);
    for (let i = 0; i < 50 && link.lost() === 0; i++) await roundTrip('y'.repeat(10_000));
    assert.ok(link.lost() > 0);
    link.setLoss(0);
    await roundTrip('z'.repeat(1_000_000));
    assert.equal(link.lost(), 0);
  });

  it('is gone when it has stopped, and so is that of a process that was killed', async function () {
    if (!link.losesPackets) return skip(this);
    const script = `const { openLink } = await import(${JSON.stringify(new URL('link.ts', import.meta.url).href)});
      openLink({ lossPercent: 1 }); console.log('made'); setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    const left = () => execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' }).includes(`volly${child.pid}`);
    assert.ok(left());
    child.kill('SIGKILL');
    await once(child, 'exit');
    assert.ok(left());
    const next = openLink({ lossPercent: 0 });
    assert.ok(!left());
    const before = ours().length;
    next.stop();
    assert.equal(ours().length, before - 2);
  });
});
