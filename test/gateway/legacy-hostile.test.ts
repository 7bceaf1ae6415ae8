/** The door of the legacy adapter on a real socket, and frames that no app sends. PROTOCOL.md sections 16.2 and 16.3. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocket } from 'ws';
import { VollyError } from '../../src/errors.ts';
import { parseFrame } from '../../src/gateway/legacy/frames.ts';
import { splitSdp } from '../../src/gateway/legacy/sdp.ts';
import { Legacy } from '../../src/gateway/legacy/server.ts';
import { LIMITS } from '../../src/limits.ts';
import { checkSdp } from '../../src/protocol/sdp.ts';
import { BOB, Watcher } from '../client/world.ts';
import { seeded } from '../support/clock.ts';
import { FakePeerConnection } from '../support/fake-pc.ts';
import { LegacyWorld, OLGA } from './legacy-world.ts';

const codeOf = (work: () => unknown): string | undefined => {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof VollyError) return error.code;
    throw error;
  }
};

describe('legacy frames', () => {
  it('have a strict grammar', () => {
    const candidate = { candidate: 'candidate:1', sdpMid: '0', sdpMLineIndex: 0, usernameFragment: 'abcd' };
    for (const good of [
      { type: 'offer', to: BOB, sdp: '' },
      { type: 'candidate', to: BOB, candidate: null },
      { type: 'candidate', to: BOB, candidate },
      { type: 'candidate', to: BOB, candidate: { candidate: '', sdpMid: null, sdpMLineIndex: null } },
      { type: 'hangup', to: BOB },
      { type: 'hangup', to: BOB, reason: 'busy' },
    ])
      assert.equal(
        codeOf(() => parseFrame(JSON.stringify(good))),
        undefined,
      );
    for (const [code, bad] of [
      ['bad_encoding', ''],
      ['bad_encoding', 'null'],
      ['bad_encoding', '[]'],
      ['bad_encoding', '{"type":"offer"'],
      ['bad_encoding', { type: 'offer', to: BOB }],
      ['bad_encoding', { type: 'offer', to: BOB, sdp: 1 }],
      ['bad_encoding', { type: 'offer', to: BOB, sdp: '', from: OLGA }],
      ['bad_encoding', `{"type":"hangup","to":"${BOB}","__proto__":{}}`],
      ['bad_encoding', { type: 'toString', to: BOB }],
      ['bad_encoding', { type: 'hangup', to: BOB, reason: 'Two Words' }],
      ['bad_encoding', { type: 'hangup', to: [BOB] }],
      ['bad_encoding', { type: 'candidate', to: BOB, candidate: 'candidate:1' }],
      ['bad_encoding', { type: 'candidate', to: BOB, candidate: { ...candidate, foundation: '1' } }],
      ['bad_encoding', { type: 'candidate', to: BOB, candidate: { ...candidate, sdpMLineIndex: '0' } }],
      ['bad_address', { type: 'hangup', to: 'bob' }],
      ['bad_address', { type: 'hangup', to: `${BOB}/PHONE` }],
      ['too_large', { type: 'offer', to: BOB, sdp: 'x'.repeat(LIMITS.frameBytes) }],
    ] as const)
      assert.equal(
        codeOf(() => parseFrame(typeof bad === 'string' ? bad : JSON.stringify(bad))),
        code,
        JSON.stringify(bad).slice(0, 99),
      );
  });

  it('survive any change of a byte: a frame or a coded refusal', () => {
    const dice = seeded(5);
    const real = JSON.stringify({
      type: 'candidate',
      to: BOB,
      candidate: { candidate: 'candidate:1', sdpMid: '0', sdpMLineIndex: 0 },
    });
    for (let run = 0; run < 3_000; run++) {
      const at = Math.floor(dice() * real.length);
      codeOf(() => parseFrame(real.slice(0, at) + String.fromCharCode(dice() * 300) + real.slice(at + Math.floor(dice() * 4))));
    }
  });

  it('lose their candidates, each with its section’s mid and ufrag', async () => {
    const { sdp } = await new FakePeerConnection(['audio', 'application']).createOffer();
    const full = sdp.replaceAll(/a=mid:(\d)\r\n/g, 'a=mid:$1\r\na=candidate:$1 1 udp 1 192.0.2.1 9 typ host\r\n');
    const split = splitSdp(full);
    assert.doesNotThrow(() => checkSdp(split.sdp));
    const ufrag = /ice-ufrag:(\S+)/.exec(sdp)?.[1];
    assert.deepEqual(
      split.candidates.map((one) => [one.sdpMid, one.sdpMLineIndex, one.ufrag, one.candidate.slice(0, 11)]),
      [
        ['0', 0, ufrag, 'candidate:0'],
        ['1', 1, ufrag, 'candidate:1'],
      ],
    );
  });
});

describe('legacy apps that misbehave', () => {
  let world: LegacyWorld;
  beforeEach(() => {
    world = new LegacyWorld();
  });
  afterEach(async () => {
    assert.deepEqual(world.warnings, []);
    await world.close();
  });

  it('are closed for a malformed frame with its code', async () => {
    const { app, credential } = await world.member(OLGA);
    app.onMessage('{');
    assert.equal(app.closedWith, 'bad_encoding');
    const other = await world.app(credential);
    other.say({ type: 'hangup', to: 'BOB' });
    assert.equal(other.closedWith, 'bad_address');
  });

  it('are not read for a while when they say too much, and closed when they do not listen or answer', async () => {
    const { app, credential } = await world.member(OLGA);
    for (let i = 0; i < 300; i++) app.say({ type: 'hangup', to: BOB });
    assert.ok(app.paused);
    await world.advance(2_000);
    assert.ok(!app.paused);
    app.answersPings = false;
    await world.advance(3 * LIMITS.pingMs);
    assert.equal(app.closedWith, 'destroyed');

    const deaf = await world.app(credential);
    deaf.bufferedAmount = LIMITS.socketBufferBytes + 1;
    deaf.say({ type: 'offer', to: BOB, sdp: '' });
    await world.settle();
    assert.equal(deaf.closedWith, 'overloaded');
  });

  it('hear what is wrong with an SDP or a peer; strange answers and candidates do nothing', async () => {
    const { app } = await world.member(OLGA);
    const { sdp } = await new FakePeerConnection().createOffer();
    app.say({ type: 'answer', to: BOB, sdp });
    app.say({ type: 'candidate', to: BOB, candidate: null });
    app.say({ type: 'hangup', to: BOB });
    app.say({ type: 'offer', to: BOB, sdp: sdp.replace('s=-', 's=-\na=candidate:1') });
    app.say({ type: 'offer', to: OLGA, sdp });
    await world.settle();
    assert.deepEqual(app.heard, ['hangup bad_sdp', 'hangup unknown_member']);
    const bob = await world.client({ member: BOB });
    const atBob = new Watcher(bob);
    app.say({ type: 'offer', to: BOB, sdp });
    app.say({ type: 'candidate', to: BOB, candidate: { candidate: 'candidate:1 1 udp 1 evil.example 9 typ host' } });
    for (let i = 0; i < 300; i++) app.say({ type: 'candidate', to: BOB, candidate: null });
    await world.settle();
    assert.equal(atBob.ringing.endToEnd, false);
    assert.equal(world.counts.get('candidate bad_candidate'), 1);
    assert.equal(world.counts.get('candidate overloaded'), 44);
  });

  it('may not have calls or sockets without end', async () => {
    const { app, credential } = await world.member(OLGA);
    const { sdp } = await new FakePeerConnection().createOffer();
    for (let i = 0; i < 20; i++) {
      app.say({ type: 'offer', to: `nobody${i}@maple.example`, sdp });
      world.bridge.fate = () => 'lost';
    }
    await world.settle();
    assert.deepEqual(app.heard, Array(4).fill('hangup overloaded'));
    for (let i = 0; i < 8; i++) await world.app(credential);
    assert.equal(app.closedWith, 'replaced');
    await world.advance(6_000);
  });

  it('end when their credential is replaced', async () => {
    const { app } = await world.member(OLGA);
    await world.credential(OLGA);
    await world.advance(LIMITS.pingMs);
    assert.equal(app.closedWith, 'not_enrolled');
  });
});

describe('legacy door', () => {
  let world: LegacyWorld;
  let legacy: Legacy;
  let http: Server;
  let url: string;

  beforeEach(async () => {
    world = new LegacyWorld();
    legacy = new Legacy(world.options());
    http = createServer();
    http.on('upgrade', (request, socket, head) => {
      if (!legacy.upgrade(request, socket, head)) socket.end('HTTP/1.1 404 Not Found\r\n\r\n');
    });
    await once(http.listen(0, '127.0.0.1'), 'listening');
    url = `ws://127.0.0.1:${(http.address() as AddressInfo).port}/volly/legacy`;
  });

  afterEach(async () => {
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
    await world.close();
  });

  const statusOf = async (ws: WebSocket): Promise<number | 'open'> => {
    ws.on('error', () => {});
    return Promise.race([
      once(ws, 'open').then(() => 'open' as const),
      once(ws, 'unexpected-response').then(([, response]) => response.statusCode as number),
    ]);
  };

  it('opens to a credential, in the header or as a subprotocol, and to nothing else', async () => {
    const credential = await world.credential(OLGA);
    const bearer = (text: string) => new WebSocket(url, { headers: { authorization: text } });
    const header = bearer(`Bearer ${credential}`);
    assert.equal(await statusOf(header), 'open');
    const browser = new WebSocket(url, ['volly-legacy', `bearer.${credential}`]);
    assert.equal(await statusOf(browser), 'open');
    assert.equal(browser.protocol, 'volly-legacy');
    assert.equal(await statusOf(new WebSocket(url)), 401);
    assert.equal(await statusOf(bearer('Bearer nonsense')), 401);
    assert.equal(await statusOf(bearer(`Basic ${credential}`)), 401);
    assert.equal(await statusOf(new WebSocket(`${url}?bearer=${credential}`)), 401);
    assert.equal(await statusOf(new WebSocket(url.replace('legacy', 'other'))), 404);
    await world.credential(OLGA);
    assert.equal(await statusOf(bearer(`Bearer ${credential}`)), 401);
    header.terminate();
    browser.terminate();
  });

  it('closes on binary, on what is too large, and when it stops', async () => {
    const credential = await world.credential(OLGA);
    const open = async () => {
      const ws = new WebSocket(url, { headers: { authorization: `Bearer ${credential}` } });
      assert.equal(await statusOf(ws), 'open');
      return ws;
    };
    for (const [message, close] of [
      [Buffer.from('{}'), 4400],
      ['{}', 4400],
      ['x'.repeat(LIMITS.frameBytes + 1), 1009],
    ] as const) {
      const ws = await open();
      ws.send(message);
      assert.equal((await once(ws, 'close'))[0], close);
    }
    const ws = await open();
    const closed = once(ws, 'close');
    const stopped = legacy.stop();
    assert.equal((await closed)[0], 1001);
    await world.advance(100);
    await stopped;
    assert.equal(await statusOf(new WebSocket(url)), 503);
  });
});
