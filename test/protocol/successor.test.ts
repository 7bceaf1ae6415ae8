/** A community goes over to another key, PROTOCOL.md section 14.7: who follows, and whom nobody follows. */
import assert from 'node:assert/strict';
import type { Bytes } from '../../src/bytes.ts';
import { COMPOSITE, compositePublicKey, compositeSigner } from '../../src/crypto/composite.ts';
import { sha256 } from '../../src/crypto/hash.ts';
import { selectProvider } from '../../src/crypto/select.ts';
import { VollyError } from '../../src/errors.ts';
import { parseServerName } from '../../src/ids.ts';
import { LIMITS } from '../../src/limits.ts';
import { encodeCbor } from '../../src/protocol/cbor.ts';
import { greet, type Pin, readServerHello } from '../../src/protocol/handshake-client.ts';
import { answerFull, type Community, readClientHello } from '../../src/protocol/handshake-server.ts';
import { decodeSuccessor, signSuccessor } from '../../src/protocol/successor.ts';
import { seededRandom } from '../support/clock.ts';

const NOW = 1_767_225_600_000;
const random = seededRandom(14);
const provider = selectProvider();
const server = parseServerName('orchid.example');

type Key = Omit<Community, 'successors'>;

function key(): Key {
  const seed = random(COMPOSITE.seed);
  const publicKey = compositePublicKey(provider, seed);
  return { server, publicKey, hash: sha256(publicKey), sign: compositeSigner(provider, seed) };
}

const step = (old: Key, next: Key, name = server): Bytes =>
  signSuccessor({ server: name, oldKey: old.publicKey, sign: old.sign, newKey: next.publicKey, time: NOW });

/** H(key) that a client with this pin goes on with, or the code of its refusal. */
async function outcome(community: Community, pinned: Key): Promise<Bytes | string> {
  const greeting = greet(provider, random);
  const saying = { now: NOW, session: random(16) };
  const { message } = await answerFull(provider, readClientHello(greeting.message), community, saying);
  const pin: Pin = { server, communityKeyHash: pinned.hash };
  return readServerHello(provider, greeting, message, pin).then(
    ({ communityKeyHash }) => communityKeyHash,
    (error) => (error instanceof VollyError ? error.code : assert.fail(error)),
  );
}

describe('a successor of a community key', () => {
  const [first, second, third, fourth, stranger] = [key(), key(), key(), key(), key()];
  const steps = [step(first, second), step(second, third), step(third, fourth)];

  it('is followed from any earlier key', async () => {
    for (const pinned of [first, second, third, fourth])
      assert.deepEqual(await outcome({ ...fourth, successors: steps }, pinned), fourth.hash);
  });

  it('is followed when the steps before the pinned key are forgotten', async () => {
    assert.deepEqual(await outcome({ ...fourth, successors: steps.slice(1) }, second), fourth.hash);
    assert.equal(await outcome({ ...fourth, successors: steps.slice(1) }, first), 'wrong_community');
  });

  it('is not followed without steps, from a strange key, or past a gap', async () => {
    assert.equal(await outcome(fourth, first), 'wrong_community');
    assert.equal(await outcome({ ...fourth, successors: steps }, stranger), 'wrong_community');
    assert.equal(await outcome({ ...fourth, successors: [steps[0]!, steps[2]!] }, first), 'wrong_community');
    assert.equal(await outcome({ ...fourth, successors: [...steps].reverse() }, second), 'wrong_community');
  });

  it('is not followed back', async () => {
    assert.equal(await outcome({ ...first, successors: [] }, second), 'wrong_community');
    assert.equal(await outcome({ ...first, successors: [step(first, second)] }, second), 'wrong_community');
  });

  it('is not followed where another key signed, for another server, or another new key', async () => {
    const forged = signSuccessor({ server, oldKey: first.publicKey, sign: stranger.sign, newKey: fourth.publicKey, time: NOW });
    assert.equal(await outcome({ ...fourth, successors: [forged] }, first), 'wrong_community');
    const elsewhere = step(first, fourth, parseServerName('iris.example'));
    assert.equal(await outcome({ ...fourth, successors: [elsewhere] }, first), 'wrong_community');
    assert.equal(await outcome({ ...stranger, successors: [step(first, second)] }, first), 'wrong_community');
  });

  it('is not followed where the time was changed', async () => {
    const { oldKey, time, signature } = decodeSuccessor(step(first, fourth));
    const changed = encodeCbor([oldKey, time + 1, signature]);
    assert.equal(await outcome({ ...fourth, successors: [changed] }, first), 'wrong_community');
  });

  it('is nothing to a client that has the key, whatever the steps say', async () => {
    const forged = signSuccessor({ server, oldKey: first.publicKey, sign: stranger.sign, newKey: second.publicKey, time: NOW });
    assert.deepEqual(await outcome({ ...fourth, successors: [forged] }, fourth), fourth.hash);
  });

  it('comes in a hello that holds no more steps than the limit, and nothing else', async () => {
    const many = Array.from({ length: LIMITS.communitySuccessors }, () => steps[0]!);
    assert.deepEqual(await outcome({ ...fourth, successors: many }, fourth), fourth.hash);
    assert.equal(await outcome({ ...fourth, successors: [...many, steps[0]!] }, fourth), 'handshake_failed');
    assert.equal(await outcome({ ...fourth, successors: [Uint8Array.of(1)] }, fourth), 'handshake_failed');
  });
});
