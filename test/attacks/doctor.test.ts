/** Servers that the operator's commands ask, and that mean no good: nothing of theirs moves a cursor, and nothing of theirs has no end. */
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type Asked, ask } from '../../src/ops/doctor/http.ts';
import { findingLines } from '../../src/ops/doctor/page.ts';
import { lookAt } from '../../src/ops/setup/look.ts';
import { trusting } from '../ops/doctor/trusting.ts';
import { World } from '../ops/doctor/world.ts';
import { HOST } from '../support/homeserver/ports.ts';

/** Clears the screen, sets a title, turns the reading direction, and forges a line of the doctor's. */
const EVIL = '\u001b[2J\u009b1mx\u001b]0;x\u0007\u202e\u2028\r\n✔ Federation   all good\n';
const STRANGE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

describe('attacks on the doctor', () => {
  const trust = trusting();
  let world: World;
  beforeEach(async () => {
    world = await World.make(trust.authority);
  });
  afterEach(() => world.stop());

  const lies: readonly [string, string, unknown][] = [
    ['its own name', '/_matrix/client/v3/account/whoami', { user_id: `@_volly.as:${EVIL}` }],
    ['how long a ping took', '/ping', { duration_ms: EVIL }],
    ['TURN addresses', '/voip/turnServer', { uris: [EVIL, `turn:${EVIL}`], username: EVIL, password: EVIL }],
  ];
  for (const [what, path, body] of lies)
    it(`a homeserver that writes to the terminal by ${what}`, async () => {
      world.answer((asked) => (asked.split('?')[0]!.endsWith(path) ? [200, body] : undefined));
      await world.run();
      const found = await world.examine();
      assert.ok(
        found.some((finding) => finding.found.includes('2J')),
        'it is shown, as far as it is text',
      );
      for (const finding of found) {
        for (const text of [finding.found, finding.title, ...(finding.details ?? [])]) assert.doesNotMatch(text, STRANGE);
        assert.equal(
          findingLines(finding)
            .split('\n')
            .filter((line) => line.startsWith('✔')).length,
          Number(finding.result === 'ok'),
        );
      }
    });

  it('a homeserver whose words have no end fills no screen', async () => {
    const uris = Array.from({ length: 16 }, () => `turn:${'x'.repeat(60_000)}`);
    world.answer((asked) =>
      asked.includes('/voip/turnServer') ? [200, { uris, username: 'x', password: 'unused' }] : undefined,
    );
    for (const { found } of await world.examine()) assert.ok(found.length < 5_000, String(found.length));
  });
});

describe('attacks on whoever asks a server', () => {
  let server: Server;
  let sockets: Set<Socket>;
  let answer: (socket: Socket) => void;
  beforeEach(async () => {
    sockets = new Set();
    server = createServer();
    server.on('connection', (socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.once('data', () => answer(socket));
    });
    await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  });
  afterEach(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const at = (): string => `http://${HOST}:${(server.address() as AddressInfo).port}`;
  const troubleOf = (asked: Asked): unknown => ('trouble' in asked ? asked.trouble : asked.status);
  /** Whatever the other side takes. */
  const endless = (socket: Socket, chunk: string): void => {
    const more = (): void => {
      while (!socket.destroyed && socket.write(chunk));
    };
    socket.on('drain', more);
    more();
  };

  it('an answer without an end is cut at its size', async () => {
    answer = (socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      endless(socket, 'x'.repeat(65_536));
    };
    assert.equal(troubleOf(await ask(at())), 'cut');
  });

  it('headers without an end, answers before the answer, and another protocol end too', async () => {
    answer = (socket) => {
      socket.write('HTTP/1.1 200 OK\r\n');
      endless(socket, `x-${'y'.repeat(1_000)}: z\r\n`);
    };
    assert.equal(troubleOf(await ask(at())), 'wants_tls');
    answer = (socket) => endless(socket, 'HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n');
    assert.equal(troubleOf(await ask(at(), { timeoutMs: 300 })), 'silent');
    answer = (socket) => socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n');
    assert.equal(troubleOf(await ask(at(), { timeoutMs: 300 })), 'cut');
  });

  it('one byte a moment is no way to hold it', async () => {
    answer = (socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      const timer = setInterval(() => socket.write('x'), 10);
      socket.on('close', () => clearInterval(timer));
    };
    assert.equal(troubleOf(await ask(at(), { timeoutMs: 300 })), 'silent');
  });

  it('a redirect whose address writes to the terminal of setup', async () => {
    answer = (socket) =>
      socket.end(Buffer.from(`HTTP/1.1 302 x\r\nlocation: /\u009b2J${'x'.repeat(8_000)}\r\ncontent-length: 0\r\n\r\n`, 'latin1'));
    const { away } = await lookAt(at());
    assert.match(away ?? '', /^a redirect to /);
    assert.doesNotMatch(away ?? '', STRANGE);
    assert.ok((away ?? '').length < 300);
  });
});
