/** What a device may do that is no part of a call, when it knows the call's id. */
import assert from 'node:assert/strict';
import type { Bytes } from '../../src/bytes.ts';
import { checkBundle } from '../../src/protocol/bundle.ts';
import type { EnvelopeOf } from '../../src/protocol/envelope.ts';
import { partyOf, readHeader } from '../../src/protocol/header.ts';
import { newSession, sealMessage } from '../../src/protocol/session.ts';
import { ALICE, BOB, Watcher, World } from '../client/world.ts';
import { first, makePerson, P, random } from '../protocol/people.ts';
import { FakePeerConnection } from '../support/fake-pc.ts';

describe('attacks by a device that is no leg of a call', () => {
  it('its messages under the call’s id are refused and change nothing', async () => {
    const world = new World();
    const alice = await world.client({ member: ALICE });
    const bob = await world.client({ member: BOB });
    const [atAlice, atBob] = [new Watcher(alice), new Watcher(bob)];
    await world.settle();
    const call = await alice.call(BOB, { pc: new FakePeerConnection() });
    await world.settle();
    const offer = world.bridge.sent.find(({ type }) => type === 'app.volly.call.offer') as EnvelopeOf<'app.volly.call.offer'>;
    const { callId } = readHeader(offer).header;
    const now = world.clock.now();
    const [bundle] = world.bridge.bundlesOf(alice.member);
    const { target } = checkBundle(P, bundle as Bytes, { member: alice.member, known: {}, now });
    const keys = { caller: random(44), callee: random(44) };
    const self = partyOf(first(makePerson('carol@maple.example')).local);
    const session = newSession({ role: 'callee', callId, self, peer: partyOf(target), ...keys });
    world.bridge.inject(sealMessage(P, random, session, { type: 'reject', reason: 'declined', all: true }, now).envelope);
    await world.settle();
    assert.deepEqual(atAlice.refused, ['unknown_call call.reject']);
    assert.deepEqual(atAlice.faults, []);
    await atBob.ringing.accept({ pc: new FakePeerConnection() });
    await world.settle();
    assert.equal(call.state, 'active');
    await world.close();
  });
});
