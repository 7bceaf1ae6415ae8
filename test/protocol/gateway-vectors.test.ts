/** Replays the gateway part of test/vectors/volly-pq-1.json from its own bytes, with both providers. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type Bytes, toHex } from '../../src/bytes.ts';
import { sha256 } from '../../src/crypto/hash.ts';
import { xwingPublicKey } from '../../src/crypto/xwing.ts';
import { parseServerName } from '../../src/ids.ts';
import { decodeFrames } from '../../src/protocol/frames.ts';
import { decodeHandshake } from '../../src/protocol/handshake.ts';
import { type Greeting, readFinished, readServerHello } from '../../src/protocol/handshake-client.ts';
import { readClientHello, readProof, type ServerHello, verifyProof } from '../../src/protocol/handshake-server.ts';
import { parseInvite } from '../../src/protocol/invite.ts';
import { RecordReceiver } from '../../src/protocol/records.ts';
import { decodeSuccessor, followSuccessors } from '../../src/protocol/successor.ts';
import { PROVIDERS } from '../crypto/providers.ts';
import { hex } from '../support/vectors.ts';

interface Direction {
  readonly plaintexts: readonly [string, string];
  readonly records: readonly [string, string, string, string];
  readonly next_block: string;
}
type Handshake = Readonly<
  Record<'ek_seed' | 'client_hello' | 'server_hello' | 'client_block' | 'server_block' | 'resume' | 'ticket' | 'session', string>
> & {
  readonly time: number;
  readonly up: Direction;
  readonly down: Direction;
};
interface Vectors {
  readonly members: { readonly alice: { readonly dik: string } };
  readonly gateway: Readonly<Record<'server' | 'community_key' | 'community_key_hash' | 'token' | 'invite', string>> & {
    readonly successor: { readonly old_key_hash: string; readonly time: number; readonly step: string };
    readonly full: Handshake;
    readonly resumed: Handshake;
    readonly must_fail: readonly { as: string; why: string; code: string; input: string }[];
  };
}
const { members, gateway }: Vectors = JSON.parse(readFileSync(new URL('../vectors/volly-pq-1.json', import.meta.url), 'utf8'));
const pin = { server: parseServerName(gateway.server), communityKeyHash: hex(gateway.community_key_hash) };

/** A client that holds the vector's ek; `greet` would draw its own. */
function greeting({ client_hello, ek_seed }: Handshake): Greeting {
  const hello = decodeHandshake(hex(client_hello));
  assert.ok(hello.kind === 'client-hello');
  const resumption = hello.ticket.length > 0 ? { ticket: hex(gateway.full.ticket), psk: hex(gateway.full.resume) } : undefined;
  return { message: hex(client_hello), seed: hex(ek_seed), resumption };
}

for (const provider of PROVIDERS)
  describe(`The gateway’s test vectors with ${provider.name}`, () => {
    it('follows the step from an earlier community key, and no other key', () => {
      const { old_key_hash, time, step } = gateway.successor;
      const steps = [decodeSuccessor(hex(step))];
      assert.equal(steps[0]?.time, time);
      const follow = (key: Bytes) => followSuccessors(provider, pin.server, { pin: hex(old_key_hash), key, steps });
      const key = hex(gateway.community_key);
      follow(key);
      assert.throws(() => follow(key.toReversed()), { code: 'wrong_community' });
    });

    for (const mode of ['full', 'resumed'] as const)
      it(`opens both sides of the ${mode} handshake and its records`, async () => {
        const vector = gateway[mode];
        const hello = readClientHello(hex(vector.client_hello));
        assert.equal(toHex(hello.ek), toHex(xwingPublicKey(provider, hex(vector.ek_seed))));
        const greeted = await readServerHello(provider, greeting(vector), hex(vector.server_hello), pin);
        assert.equal(greeted.resumed, mode === 'resumed');
        assert.deepEqual([greeted.time, toHex(greeted.session)], [vector.time, vector.session]);
        const { client, server, resume } = greeted.keys;
        assert.deepEqual([client, server, resume].map(toHex), [vector.client_block, vector.server_block, vector.resume]);

        for (const [block, way] of [
          [client, vector.up],
          [server, vector.down],
        ] as const) {
          const receiver = new RecordReceiver(provider, block);
          assert.equal(toHex(receiver.open(hex(way.records[0]))), way.plaintexts[0]);
          assert.deepEqual(receiver.openFrames(hex(way.records[1])), decodeFrames(hex(way.plaintexts[1])));
          assert.deepEqual(receiver.openFrames(hex(way.records[2])), [{ kind: 'ping', id: 2 }]);
          assert.deepEqual(receiver.openFrames(hex(way.records[3])), [{ kind: 'ping', id: 3 }]);
          assert.deepEqual(new RecordReceiver(provider, hex(way.next_block)).openFrames(hex(way.records[3])), [
            { kind: 'ping', id: 3 },
          ]);
        }
        const proof = readProof(hex(vector.up.plaintexts[0]), greeted.resumed);
        const transcript = { helloHash: hello.hash, serverHelloHash: sha256(hex(vector.server_hello)) } as ServerHello;
        if (proof) verifyProof(provider, transcript, pin.communityKeyHash, proof, hex(members.alice.dik));
        assert.equal(toHex(readFinished(hex(vector.down.plaintexts[0])).ticket), vector.ticket);
      });

    for (const { as, why, code, input } of gateway.must_fail)
      it(`refuses as ${as}: ${why}`, async () => {
        const bytes = hex(input);
        if (as === 'client_hello') assert.throws(() => readClientHello(bytes), { code });
        else if (as === 'record') assert.throws(() => decodeFrames(bytes), { code });
        else await assert.rejects(readServerHello(provider, greeting(gateway.full), bytes, pin), { code });
      });
  });

describe('The gateway’s test vectors', () => {
  it('hold an invite', () => {
    const invite = parseInvite(gateway.invite);
    assert.deepEqual([toHex(invite.communityKeyHash), toHex(invite.token)], [gateway.community_key_hash, gateway.token]);
    assert.equal(invite.gateway, 'wss://chat.orchid.example/volly/v1');
  });
});
