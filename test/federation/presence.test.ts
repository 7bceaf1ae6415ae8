/** S10: presence between two real communities, and who does not get it. */
import assert from 'node:assert/strict';
import { PRESENCE, type PresenceState } from '../../src/protocol/presence-update.ts';
import { enrol, type Person, sees } from '../support/people.ts';
import { freshId, Operator } from './operator.ts';
import { anyFailed, type Pair, startPair, until } from './pair.ts';
import { ShiftedClock } from './shifted-clock.ts';
import { eventsOn, type WireEnvelope, type WireEvent } from './wire.ts';

/** An update lives five minutes at most (PROTOCOL.md section 13). */
const PAST_ITS_LIFE_MS = 301_000;

describe('Presence between two communities', () => {
  let pair: Pair;
  /** Watches bob, with a clock that the tests move. */
  let alice: Person;
  const clock = new ShiftedClock();
  /** Watches bob too, and stays a contact to the end: what she has seen, everybody has been sent. */
  let dora: Person;
  /** Wishes to watch bob, who does not agree. */
  let stranger: Person;
  let bob: Person;

  before(async () => {
    pair = await startPair({ tapped: true });
    [alice, dora, stranger, bob] = await Promise.all([
      enrol(pair.orchid, 'alice', { clock }),
      enrol(pair.orchid, 'dora'),
      enrol(pair.orchid, 'stranger'),
      enrol(pair.maple, 'bob'),
    ]);
  });
  after(function () {
    return pair?.close([alice, dora, stranger, bob], anyFailed(this));
  });

  /** Each envelope of presence for this person that passed here, in order. */
  const passed = (at: WireEvent['at'], { client }: Person): WireEnvelope[] =>
    pair.both
      .flatMap(({ exchanges }) => exchanges.flatMap(eventsOn))
      .filter((event) => event.at === at)
      .flatMap(({ envelopes }) => envelopes)
      .filter(({ type, to }) => type.startsWith('app.volly.presence') && to === client.address);
  const onTheWire = (person: Person): WireEnvelope[] =>
    (['handed over', 'federation', 'fetched'] as const).flatMap((at) => passed(at, person));
  /** What the bridge has fetched is on record before the bridge has it, and so before the app. */
  const newestUpdate = (person: Person): WireEnvelope => passed('fetched', person).at(-1) as WireEnvelope;
  /** Bob changes his state, and what he sends for it is on the wire: a broadcast goes to all contacts at once. */
  const changes = async (state: PresenceState): Promise<void> => {
    const before = passed('handed over', dora).length;
    await bob.client.presence.set(state);
    await sees(dora.client, bob.client.member, state);
    await until('the broadcast is on record', () => passed('handed over', dora).length > before);
  };
  const refusals = ({ client }: Person, code: string): number => client.refusals.get(code) ?? 0;

  it('shows each state of a member to a contact that the member accepted', async () => {
    const asked: string[] = [];
    bob.client.on('presence-request', (request) => {
      asked.push(request.from);
      if (request.from !== stranger.client.member) void request.accept();
    });
    await bob.client.presence.set('offline');
    for (const { client } of [alice, dora, stranger]) await client.presence.watch(bob.client.member);
    await until('bob is asked by all three', () => asked.length === 3);
    assert.deepEqual(asked.sort(), [alice, dora, stranger].map(({ client }) => client.member).sort());
    for (const state of ['online', 'away', 'busy', 'offline', 'online'] as const) {
      await bob.client.presence.set(state);
      await Promise.all([sees(alice.client, bob.client.member, state), sees(dora.client, bob.client.member, state)]);
    }
    assert.equal(PRESENCE.length, 4, 'a new state is to be shown here too');
  });

  it('sends a stranger nothing: no grant, no update, no word that it was refused', async () => {
    for (const state of ['away', 'online'] as const) await changes(state);
    assert.deepEqual(onTheWire(stranger), []);
    assert.equal(stranger.client.presence.of(bob.client.member), 'offline');
  });

  it('refuses an update sent once more under a fresh envelope id, and shows what it showed', async () => {
    await bob.client.presence.set('busy');
    await sees(alice.client, bob.client.member, 'busy');
    const older = newestUpdate(alice);
    await bob.client.presence.set('online');
    await sees(alice.client, bob.client.member, 'online');
    const newest = newestUpdate(alice);
    assert.notEqual(older['sealed'], newest['sealed']);
    const shown: string[] = [];
    const off = alice.client.on('presence', (_member, state) => shown.push(state));
    const operator = await Operator.of(pair.maple);
    for (const update of [older, newest]) {
      const before = refusals(alice, 'replayed');
      await operator.send(pair.orchid, 'app.volly.presence', { envelopes: [{ ...update, id: freshId() }] });
      await until('alice’s device refuses it', () => refusals(alice, 'replayed') === before + 1);
    }
    off();
    assert.deepEqual(shown, []);
    assert.equal(alice.client.presence.of(bob.client.member), 'online');
  });

  it('puts no envelope on the wire for a contact after it was revoked, through two changes of state', async () => {
    await bob.client.presence.revoke(alice.client.member);
    // By their ids: a tap may write down late what passed it before.
    const ids = () => new Set(onTheWire(alice).map(({ id }) => id));
    const before = ids();
    assert.ok(before.size > 0, 'the taps see what contacts get');
    for (const state of ['busy', 'away'] as const) await changes(state);
    assert.deepEqual(
      [...ids()].filter((id) => !before.has(id)),
      [],
    );
    assert.equal(alice.client.presence.of(bob.client.member), 'online', 'nothing told her');
  });

  it('shows a member offline whose last update has expired, and takes none of it up again', async () => {
    const last = newestUpdate(alice);
    const offline = sees(alice.client, bob.client.member, 'offline');
    clock.shift(PAST_ITS_LIFE_MS);
    await offline;
    // For the bridges the update still lives; its contact's device must not show it again.
    const before = refusals(alice, 'expired');
    const operator = await Operator.of(pair.maple);
    await operator.send(pair.orchid, 'app.volly.presence', { envelopes: [{ ...last, id: freshId() }] });
    await until('alice’s device refuses it', () => refusals(alice, 'expired') === before + 1);
    assert.equal(alice.client.presence.of(bob.client.member), 'offline');
    clock.shift(-PAST_ITS_LIFE_MS);
  });
});
