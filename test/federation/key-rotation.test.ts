/** A community goes over to another key, on a real bridge: apps follow, running or started later, and call as before. */
import assert from 'node:assert/strict';
import { VollyClient } from '../../src/client/client.ts';
import { nodeSocket } from '../../src/client/node.ts';
import { MemoryStore } from '../../src/client/store.ts';
import { enrol, type Person, startAgain, within } from '../support/people.ts';
import { converse, hangUp } from './conversation.ts';
import { anyFailed, type Pair, startPair, until } from './pair.ts';

describe('A new community key', () => {
  let pair: Pair;
  let alice: Person;
  let carol: Person;
  let bob: Person;
  let invite: string;
  const hashes: string[] = [];
  const online = ({ client }: Person) => client.connection.kind === 'online';
  const key = async (what: 'show' | 'rotate') => /^[\w-]{43}/.exec(await pair.orchid.command('key', what))?.[0] as string;

  before(async () => {
    pair = await startPair({ tapped: false });
    [alice, carol, bob] = await Promise.all([enrol(pair.orchid, 'alice'), enrol(pair.orchid, 'carol'), enrol(pair.maple, 'bob')]);
    invite = await pair.orchid.invite('dan');
    await carol.client.close();
    hashes.push(await key('show'));
  });
  after(async function () {
    await pair?.close([alice, carol, bob], anyFailed(this));
  });

  it('is not made while the bridge runs', async () => {
    await assert.rejects(pair.orchid.command('key', 'rotate'), /error database: .*in use by another running bridge/);
    assert.equal(await key('show'), hashes[0]);
  });

  it('is followed by an app that runs', async () => {
    await pair.orchid.stopBridge();
    for (let n = 0; n < 2; n++) hashes.push(await key('rotate'));
    assert.equal(new Set(hashes).size, 3);
    await pair.orchid.startBridge();
    await until('alice is back', () => online(alice), 40_000);
    assert.deepEqual(alice.client.connection, { kind: 'online', resumed: false });
  });

  it('is followed by an app that was away, and by one that starts again after it followed', async () => {
    carol = await startAgain(carol);
    await until('carol is back', () => online(carol));
    await alice.client.close();
    alice = await startAgain(alice);
    await until('alice is back', () => online(alice));
  });

  it('is followed by whoever got an invite before', async () => {
    const store = new MemoryStore();
    const dan = await within('dan enrols', VollyClient.connect({ store, invite, device: 'PHONE', socket: nodeSocket() }));
    assert.equal(dan.connection.kind, 'online');
    await dan.close();
  });

  it('changes nothing about calls', async () => {
    await hangUp(await converse(alice, bob), 'caller');
    await hangUp(await converse(bob, alice), 'caller');
  });
});
