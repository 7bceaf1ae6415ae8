import assert from 'node:assert/strict';
import { decode, errorCodeOf, isIntact, lengthOf, longTermKey, METHOD, request } from '../../../src/ops/doctor/stun.ts';
import { tryTurn } from '../../../src/ops/doctor/turn.ts';
import { parseTurnUri } from '../../../src/ops/doctor/turn-uri.ts';
import { TurnServer, turnCredentials } from '../../support/turn-server.ts';
import { trusting } from './trusting.ts';

describe('A TURN address', () => {
  it('is read with its defaults', () => {
    const cases = {
      'turn:turn.orchid.example': { scheme: 'turn', host: 'turn.orchid.example', port: 3478, transport: 'udp' },
      'turn:turn.orchid.example:3479?transport=tcp': {
        scheme: 'turn',
        host: 'turn.orchid.example',
        port: 3479,
        transport: 'tcp',
      },
      'turns:turn.orchid.example?transport=tcp': { scheme: 'turns', host: 'turn.orchid.example', port: 5349, transport: 'tls' },
      'stun:[2001:db8::1]:3478': { scheme: 'stun', host: '2001:db8::1', port: 3478, transport: 'udp' },
    };
    for (const [text, uri] of Object.entries(cases)) assert.deepEqual(parseTurnUri(text), uri);
    for (const text of ['', 'turn:', 'https://turn.orchid.example', 'turn:a b', 'turn:host:port', 'turn:h?transport=sctp'])
      assert.equal(parseTurnUri(text), undefined, text);
  });
});

describe('A STUN message', () => {
  // RFC 5769 section 2.4: a request with long-term credentials.
  const vector = Buffer.from(
    '000100602112a44278ad3433c6ad72c029da412e00060012e3839ee38388e383aae38383e382afe382b900000015001c662f2f3439396b393534' +
      '64364f4c33346f4c3946535476793634734100140' +
      '00b6578616d706c652e6f72670000080014f67024656dd64a3e02b8e0712e85c9a28ca89666',
    'hex',
  );
  const key = longTermKey('マトリックス', 'example.org', 'TheMatrIX');

  it('of the standard is read, and its integrity holds', () => {
    const message = decode(vector);
    assert.deepEqual([message?.kind, message?.method], ['request', METHOD.binding]);
    assert.equal(message?.attributes.get(0x0014)?.toString(), 'example.org');
    assert.ok(isIntact(vector, key));
    const changed = Buffer.from(vector);
    changed[30]! ^= 1;
    assert.ok(!isIntact(changed, key));
  });

  it('of ours is one, signed as the standard wants it', () => {
    const credentials = { username: 'u', password: 'p', realm: 'r', nonce: Buffer.from('n') };
    const bytes = request(METHOD.allocate, [], credentials);
    assert.equal(lengthOf(bytes), bytes.length);
    assert.ok(isIntact(bytes, longTermKey('u', 'r', 'p')));
  });

  it('that is none is refused: cut, too long, without the cookie, with an attribute past its end', () => {
    const past = Buffer.from(vector);
    past.writeUInt16BE(0xff, 22);
    const cookie = Buffer.from(vector);
    cookie[4] = 0;
    const bad = [
      Buffer.alloc(0),
      vector.subarray(0, 19),
      vector.subarray(0, -4),
      Buffer.concat([vector, Buffer.of(0)]),
      cookie,
      past,
    ];
    for (const bytes of bad) assert.equal(decode(bytes), undefined);
    assert.equal(errorCodeOf({ kind: 'error', method: 3, transaction: '', attributes: new Map([[9, Buffer.of(0)]]) }), 0);
  });
});

describe('Trying a TURN server', () => {
  const trust = trusting();
  let server: TurnServer;
  beforeEach(async () => {
    server = await TurnServer.start(trust.authority.issue());
  });
  afterEach(() => server.stop());
  const attempt = (uri: string, { username, password } = turnCredentials(server.secret)) =>
    tryTurn(parseTurnUri(uri)!, username, password);

  for (const transport of ['udp', 'tcp', 'tls'] as const)
    it(`allocates over ${transport}, and gives back`, async () => {
      const tried = await attempt(server.uris[transport]);
      assert.equal(tried.result, 'allocated', JSON.stringify(tried));
      for (let i = 0; i < 100 && server.allocations > 0; i++) await new Promise((resolve) => setTimeout(resolve, 10));
      assert.equal(server.allocations, 0);
    });

  it('tells a wrong secret from a refusal, and both from nobody there', async () => {
    const ofAnother = await attempt(server.uris.udp, turnCredentials('another secret'));
    assert.deepEqual(ofAnother, { result: 'unauthorized', code: 401 });
    const over = await attempt(server.uris.tcp, turnCredentials(server.secret, -10));
    assert.deepEqual(over, { result: 'unauthorized', code: 401 });
    server.refusal = 486;
    assert.deepEqual(await attempt(server.uris.tls), { result: 'refused', code: 486 });
    const { udp, tcp } = server.uris;
    await server.stop();
    for (const uri of [udp, tcp]) {
      const tried = await attempt(uri);
      assert.deepEqual([tried.result, 'trouble' in tried && tried.trouble], ['no answer', 'refused']);
    }
    server = await TurnServer.start();
  });

  it('asks for nothing but an answer of a STUN server', async () => {
    assert.equal((await attempt(server.uris.udp.replace('turn:', 'stun:').replace(/\?.*/, ''))).result, 'allocated');
    assert.equal(server.allocations, 0);
  });
});
