/** The handshake as functions, PROTOCOL.md sections 14.1 to 14.4: what completes it, and that nothing else does. */
import assert from 'node:assert/strict';
import type { Bytes } from '../../src/bytes.ts';
import { COMPOSITE, compositePublicKey, compositeSign, compositeSigner } from '../../src/crypto/composite.ts';
import { sha256 } from '../../src/crypto/hash.ts';
import type { Provider } from '../../src/crypto/primitives.ts';
import { selectProvider } from '../../src/crypto/select.ts';
import { XWING } from '../../src/crypto/xwing.ts';
import { parseServerName } from '../../src/ids.ts';
import { encodeCbor } from '../../src/protocol/cbor.ts';
import { decodeHandshake, encodeHandshake } from '../../src/protocol/handshake.ts';
import { greet, proveDevice, type Resumption, readFinished, readServerHello } from '../../src/protocol/handshake-client.ts';
import {
  answerFull,
  answerResumed,
  type ClientHello,
  type Community,
  readClientHello,
  readProof,
  verifyProof,
} from '../../src/protocol/handshake-server.ts';
import { RecordReceiver, RecordSender } from '../../src/protocol/records.ts';
import { PROVIDERS } from '../crypto/providers.ts';
import { seededRandom } from '../support/clock.ts';

const NOW = 1_767_225_600_000;
const random = seededRandom(7);
const EMPTY = new Uint8Array(0);

function community(provider: Provider, name = 'orchid.example'): Community {
  const seed = random(COMPOSITE.seed);
  const publicKey = compositePublicKey(provider, seed);
  return { server: parseServerName(name), publicKey, hash: sha256(publicKey), sign: compositeSigner(provider, seed) };
}

type Stage = 'client hello' | 'server hello' | 'proof' | 'finished';
type Tamper = (stage: Stage, message: Bytes) => Bytes;
const honest: Tamper = (_, message) => message;

interface Setting {
  readonly provider: Provider;
  readonly server: Community;
  /** Whom the client believes to speak to. */
  readonly pinned: Community;
  readonly resumption?: Resumption;
  readonly dikSeed: Bytes;
  readonly dik: Bytes;
}

function setting(provider: Provider, change: Partial<Setting> = {}): Setting {
  const server = community(provider);
  const dikSeed = random(COMPOSITE.seed);
  return { provider, server, pinned: server, dikSeed, dik: compositePublicKey(provider, dikSeed), ...change };
}

/** Both sides, message by message. Resolves to the keys for a ticket; rejects with the first error of either side. */
async function shake(set: Setting, tamper: Tamper = honest): Promise<{ psk: Bytes; time: number; resumed: boolean }> {
  const { provider, server, pinned } = set;
  const greeting = greet(provider, random, set.resumption);
  const hello = readClientHello(tamper('client hello', greeting.message.slice()));
  const saying = { now: NOW, session: random(16) };
  const answer = set.resumption
    ? await answerResumed(provider, hello as ClientHello & { ticket: Bytes }, server.server, set.resumption.psk, saying)
    : await answerFull(provider, hello, server, saying);
  const pin = { server: pinned.server, communityKeyHash: pinned.hash };
  const greeted = await readServerHello(provider, greeting, tamper('server hello', answer.message), pin);
  const up = new RecordSender(provider, greeted.keys.client, 0);
  const proof = await proveDevice(greeted, {
    identity: Uint8Array.of(1),
    bundle: EMPTY,
    token: EMPTY,
    sign: (message, context) => compositeSign(provider, set.dikSeed, message, context),
  });
  const opened = new RecordReceiver(provider, answer.keys.client).open(tamper('proof', up.seal(proof)));
  const full = readProof(opened, answer.resumed);
  if (full) verifyProof(provider, answer, server.hash, full, set.dik);
  const message = encodeHandshake({ kind: 'finished', ticket: random(32), list: EMPTY, listSignature: EMPTY, prekeyHash: EMPTY });
  const record = new RecordSender(provider, answer.keys.server, 0).seal(message);
  readFinished(new RecordReceiver(provider, greeted.keys.server).open(tamper('finished', record)));
  assert.deepEqual(greeted.keys.resume, answer.keys.resume);
  return { psk: greeted.keys.resume as Bytes, time: greeted.time, resumed: greeted.resumed };
}

const code = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'completed',
    (error) => error.code ?? String(error),
  );

/** The ends, where CBOR heads and tags are, and every 61st byte between. */
const positions = (length: number): number[] =>
  Array.from({ length }, (_, at) => at).filter((at) => at < 48 || at >= length - 20 || at % 61 === 0);

for (const provider of PROVIDERS)
  describe(`gateway handshake (${provider.name})`, function () {
    this.timeout(120_000);

    it('completes, carries the time, and resumes', async () => {
      const set = setting(provider);
      const first = await shake(set);
      assert.deepEqual([first.time, first.resumed], [NOW, false]);
      const second = await shake({ ...set, resumption: { ticket: random(32), psk: first.psk } });
      assert.equal(second.resumed, true);
      assert.notDeepEqual(second.psk, first.psk);
    });

    for (const mode of ['full', 'resumed'] as const)
      for (const stage of ['client hello', 'server hello', 'proof', 'finished'] as const)
        it(`refuses a ${stage} with any byte changed (${mode})`, async () => {
          const set = setting(provider, mode === 'resumed' ? { resumption: { ticket: random(32), psk: random(32) } } : {});
          let length = 0;
          await shake(set, (at, message) => {
            if (at === stage) length = message.length;
            return message;
          });
          const step = provider.name === 'noble' ? 7 : 1;
          for (const at of positions(length).filter((_, index) => index % step === 0)) {
            const result = await code(
              shake(set, (now, message) => {
                if (now === stage) message[at] = (message[at] as number) ^ (1 << (at % 8));
                return message;
              }),
            );
            assert.match(result, /^(handshake_failed|bad_encoding|bad_key|open_failed|bad_signature)$/, `byte ${at}`);
          }
        });

    it('refuses messages that are cut off or longer', async () => {
      const set = setting(provider);
      for (const stage of ['client hello', 'server hello', 'proof', 'finished'] as const)
        for (const change of [(m: Bytes) => m.slice(0, -1), (m: Bytes) => new Uint8Array([...m, 0]), () => EMPTY])
          assert.notEqual(await code(shake(set, (now, message) => (now === stage ? change(message) : message))), 'completed');
    });
  });

describe('gateway handshake: who stands between', () => {
  const provider = selectProvider();

  it('refuses the key of another community, and its name under the right key', async () => {
    const set = setting(provider);
    assert.equal(await code(shake({ ...set, server: community(provider) })), 'wrong_community');
    assert.equal(
      await code(shake({ ...set, server: { ...set.server, server: parseServerName('violet.example') } })),
      'wrong_community',
    );
  });

  it('refuses the right key without its signature', async () => {
    const set = setting(provider);
    const { sign } = community(provider);
    assert.equal(await code(shake({ ...set, server: { ...set.server, sign } })), 'handshake_failed');
  });

  it('refuses the answer to another hello, so a recorded one too', async () => {
    const set = setting(provider);
    const saying = { now: NOW, session: random(16) };
    const recorded = await answerFull(provider, readClientHello(greet(provider, random).message), set.server, saying);
    assert.equal(
      await code(shake(set, (stage, message) => (stage === 'server hello' ? recorded.message : message))),
      'handshake_failed',
    );
  });

  it('refuses a genuine signature sealed to another hello by whoever got it', async () => {
    // A member with keys of its own takes what the community signed for it and seals that to its victim.
    const set = setting(provider);
    const mine = readClientHello(greet(provider, random).message);
    const forger = { ...set.server };
    const answered = await code(
      (async () => {
        const greeting = greet(provider, random);
        const victim = readClientHello(greeting.message);
        const message = (await answerFull(provider, { ...victim, hash: mine.hash }, forger, { now: NOW, session: random(16) }))
          .message;
        await readServerHello(provider, greeting, message, { server: set.server.server, communityKeyHash: set.server.hash });
      })(),
    );
    assert.equal(answered, 'handshake_failed');
  });

  it('refuses a proof made in another handshake', async () => {
    const set = setting(provider);
    const proofs: Bytes[] = [];
    const run = async (use: (mine: Bytes) => Bytes) => {
      const greeting = greet(provider, random);
      const answer = await answerFull(provider, readClientHello(greeting.message), set.server, { now: NOW, session: random(16) });
      const pin = { server: set.server.server, communityKeyHash: set.server.hash };
      const greeted = await readServerHello(provider, greeting, answer.message, pin);
      const sign = (message: Uint8Array, context: string) => compositeSign(provider, set.dikSeed, message, context);
      const proof = use(await proveDevice(greeted, { identity: EMPTY, bundle: EMPTY, token: EMPTY, sign }));
      verifyProof(provider, answer, set.server.hash, readProof(proof, false) ?? assert.fail(), set.dik);
    };
    const keep = (mine: Bytes) => {
      proofs.push(mine);
      return mine;
    };
    assert.equal(await code(run(keep)), 'completed');
    assert.equal(await code(run(() => proofs[0] as Bytes)), 'bad_signature');
  });

  it('refuses a mode that there is not', () => {
    const hello = encodeCbor([2, 2, new Uint8Array(XWING.ciphertext), Uint8Array.of(1)]);
    assert.throws(() => decodeHandshake(hello), { code: 'bad_encoding' });
  });

  it('refuses the proof of the other mode', () => {
    const full = { identity: Uint8Array.of(1), bundle: EMPTY, token: EMPTY, signature: new Uint8Array(COMPOSITE.signature) };
    const [resumed, whole] = [encodeHandshake({ kind: 'proof' }), encodeHandshake({ kind: 'proof', full })];
    assert.equal(readProof(resumed, true), undefined);
    assert.throws(() => readProof(whole, true), { code: 'bad_encoding' });
    assert.throws(() => readProof(resumed, false), { code: 'bad_encoding' });
  });

  it('refuses a proof with another invite than was signed', async () => {
    const set = setting(provider);
    const greeting = greet(provider, random);
    const answer = await answerFull(provider, readClientHello(greeting.message), set.server, { now: NOW, session: random(16) });
    const pin = { server: set.server.server, communityKeyHash: set.server.hash };
    const greeted = await readServerHello(provider, greeting, answer.message, pin);
    const sign = (message: Uint8Array, context: string) => compositeSign(provider, set.dikSeed, message, context);
    const proof = readProof(await proveDevice(greeted, { identity: EMPTY, bundle: EMPTY, token: random(16), sign }), false);
    assert.ok(proof);
    assert.throws(() => verifyProof(provider, answer, set.server.hash, { ...proof, token: random(16) }, set.dik), {
      code: 'bad_signature',
    });
  });

  it('refuses an ek of low order or out of range before it seals to it', () => {
    const { message } = greet(provider, random);
    const hello = decodeHandshake(message);
    assert.ok(hello.kind === 'client-hello');
    const lowOrder = hello.ek.slice();
    lowOrder.fill(0, 1184);
    const outOfRange = hello.ek.slice();
    outOfRange.fill(0xff, 0, 3);
    for (const ek of [lowOrder, outOfRange])
      assert.throws(() => readClientHello(encodeHandshake({ ...hello, ek })), { code: 'bad_key' });
  });

  it('refuses an encapsulation of low order', async () => {
    const set = setting(provider);
    const result = shake(set, (stage, message) => {
      const hello = stage === 'server hello' ? decodeHandshake(message) : undefined;
      if (hello?.kind !== 'server-hello') return message;
      const enc = hello.enc.slice();
      enc.fill(0, 1088);
      return encodeHandshake({ ...hello, enc });
    });
    assert.equal(await code(result), 'handshake_failed');
  });

  it('refuses to be resumed when it asked for nothing, and with another psk', async () => {
    const set = setting(provider);
    const flipped: Tamper = (stage, message) => {
      const hello = stage === 'server hello' ? decodeHandshake(message) : undefined;
      return hello?.kind === 'server-hello' ? encodeHandshake({ ...hello, resumed: !hello.resumed }) : message;
    };
    assert.equal(await code(shake(set, flipped)), 'handshake_failed');
    const resumption = { ticket: random(32), psk: random(32) };
    assert.equal(await code(shake({ ...set, resumption }, flipped)), 'handshake_failed');
    const greeting = greet(provider, random, { ...resumption, psk: random(32) });
    const hello = readClientHello(greeting.message) as ClientHello & { ticket: Bytes };
    const saying = { now: NOW, session: random(16) };
    const { message } = await answerResumed(provider, hello, set.server.server, resumption.psk, saying);
    const pin = { server: set.server.server, communityKeyHash: set.server.hash };
    assert.equal(await code(readServerHello(provider, greeting, message, pin)), 'handshake_failed');
  });

  it('lets a plain error decide nothing', async () => {
    const set = setting(provider);
    const error = encodeHandshake({ kind: 'error', code: 'not_enrolled' });
    assert.equal(await code(shake(set, (stage, message) => (stage === 'server hello' ? error : message))), 'handshake_failed');
  });
});
