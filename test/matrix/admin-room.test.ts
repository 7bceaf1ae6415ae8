import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { systemClock } from '../../src/clock.ts';
import { VollyError } from '../../src/errors.ts';
import { LIMITS } from '../../src/limits.ts';
import { TRANSACTIONS, Transactions } from '../../src/matrix/transactions.ts';
import { memoryStores } from '../../src/storage/memory/stores.ts';
import { ADMIN, AdminRoomWorld, BOT, event, line, membership, ROOM, SECOND, STRANGER } from './admin-room-world.ts';
import { Lines, until } from './receiver-contract.ts';

describe('admin room', () => {
  let world: AdminRoomWorld;
  const handle = (...events: unknown[]): Promise<void> => world.room.handle(events);
  beforeEach(async () => {
    world = new AdminRoomWorld();
    await world.open();
  });
  afterEach(() => world.close());

  describe('invites', () => {
    it('comes where an admin invites it, and greets', async () => {
      await handle(membership(BOT, 'invite'));
      assert.equal(world.count('join'), 1);
      assert.deepEqual(world.answers, ['I am the Volly bridge of this community. Write help.']);
    });

    it('turns down the invites of everybody else without a word', async () => {
      await handle(membership(BOT, 'invite', { sender: STRANGER }));
      await until('it left', () => world.count('leave') === 1);
      assert.equal(world.count('join'), 0);
      assert.deepEqual(world.answers, []);
    });

    it('asks who an admin is each time', async () => {
      world.admins = [];
      await handle(membership(BOT, 'invite'), line('status'));
      await until('it left', () => world.count('leave') === 1);
      assert.deepEqual([world.count('join'), world.performed.length], [0, 0]);
      world.admins = [ADMIN];
      await handle(membership(BOT, 'invite'), line('status'));
      assert.deepEqual([world.count('join'), world.performed.length], [1, 1]);
    });

    it('leaves invites to others alone', async () => {
      await handle(membership('@_volly_alice:orchid.example', 'invite'), membership(STRANGER, 'invite', { sender: STRANGER }));
      assert.equal(world.home.requests.length, 0);
    });

    it('has at most 8 invites that it is turning down, and counts the rest', async () => {
      world.roomFault = () => 'hang';
      await handle(...Array.from({ length: 20 }, () => membership(BOT, 'invite', { sender: STRANGER })));
      await until('they are under way', () => world.count('leave') === LIMITS.adminLeavesAtOnce);
      assert.equal(world.ignored('leaving'), 20 - LIMITS.adminLeavesAtOnce);
      await world.room.stop();
    });

    it('says where it comes that others can read', async () => {
      world.set('m.room.member', STRANGER, { membership: 'join' });
      await handle(membership(BOT, 'invite'));
      assert.match(String(world.answers[0]), /Not only admins can read/);
    });
  });

  describe('commands', () => {
    it('does what an admin writes, and answers with a notice that calls nobody', async () => {
      world.perform = async () => 'a <b>&"\' answer';
      await handle(line(' status '));
      assert.deepEqual(world.performed, ['status']);
      assert.deepEqual(world.said[0]?.content, {
        msgtype: 'm.notice',
        body: 'a <b>&"\' answer',
        format: 'org.matrix.custom.html',
        formatted_body: 'a &lt;b&gt;&amp;&quot;&#39; answer',
        'm.mentions': {},
      });
    });

    it('hears nobody else, and nothing that is not text', async () => {
      await handle(
        line('status', { sender: STRANGER }),
        line('status', { sender: '@Operator:orchid.example' }),
        line('status', { sender: `${ADMIN}.evil` }),
        line('status', { sender: BOT }),
        event({ type: 'm.room.message', content: { msgtype: 'm.notice', body: 'status' } }),
        event({ type: 'm.room.message', content: { msgtype: 'm.emote', body: 'status' } }),
        event({
          type: 'm.room.message',
          content: { msgtype: 'm.text', body: '* status', 'm.relates_to': { rel_type: 'm.replace', event_id: '$x' } },
        }),
        event({ type: 'm.reaction', content: { msgtype: 'm.text', body: 'status' } }),
      );
      assert.deepEqual([world.performed, world.home.requests.length], [[], 0]);
      assert.equal(world.ignored('sender'), 3);
    });

    it('never acts on what the bridge user itself wrote, were it an admin', async () => {
      world.admins = [BOT];
      await handle(line('status', { sender: BOT }));
      assert.equal(world.performed.length, 0);
    });

    it('does not do what is older than 5 minutes, or that far ahead', async () => {
      for (const [at, count] of [
        [-LIMITS.adminEventMs - 1, 0],
        [LIMITS.adminEventMs + 1, 0],
        [-LIMITS.adminEventMs, 1],
        [LIMITS.adminEventMs, 2],
      ] as const) {
        await handle(line('status', { origin_server_ts: world.clock.now() + at }));
        assert.equal(world.performed.length, count, `${at}`);
      }
      assert.equal(world.ignored('old'), 2);
    });

    it('does nothing where others could read the answer, and says why', async () => {
      const done = async (): Promise<boolean> => {
        const before = world.performed.length;
        await handle(line('status'));
        const performed = world.performed.length > before;
        assert.equal(/Not only admins can read/.test(String(world.answers.at(-1))), !performed);
        return performed;
      };
      world.set('m.room.member', SECOND, { membership: 'join' });
      assert.equal(await done(), true);
      for (const value of ['join', 'invite']) {
        world.set('m.room.member', STRANGER, { membership: value });
        assert.equal(await done(), false, value);
      }
      for (const value of ['leave', 'ban', 'knock']) {
        world.set('m.room.member', STRANGER, { membership: value });
        assert.equal(await done(), true, value);
      }
      const byMail = { display_name: 'm...@example.org', public_keys: [{ public_key: 'abc' }] };
      world.set('m.room.third_party_invite', 'token', byMail);
      assert.equal(await done(), false, 'whoever reads that mail may come in, under any name');
      world.set('m.room.third_party_invite', 'token', {});
      assert.equal(await done(), true, 'it was taken back');
      world.set('m.room.history_visibility', '', { history_visibility: 'world_readable' });
      assert.equal(await done(), false);
      world.set('m.room.history_visibility', '', { history_visibility: 'shared' });
      for (const rule of ['public', 'restricted', 7]) {
        world.set('m.room.join_rules', '', { join_rule: rule });
        assert.equal(await done(), false, String(rule));
      }
      world.state.delete('m.room.join_rules');
      assert.equal(await done(), false);
    });

    it('leaves alone what admins say to each other, and says to one who is alone with it that it does not know that', async () => {
      world.perform = async () => 'I do not know that.';
      await handle(line('good morning'));
      assert.equal(world.answers.length, 1);
      world.set('m.room.member', SECOND, { membership: 'join' });
      await handle(line('good morning'), line('status', { sender: SECOND }));
      assert.deepEqual(world.performed, ['good morning', 'status']);
    });

    it('shortens an answer that is too long for a chat, in whatever it is written', async () => {
      for (const character of ['x', '<', '"', '\u0000', '😀', '\n', '\ud800']) {
        world.perform = async () => `${`${character.repeat(99)}\n`.repeat(1_000)}end`;
        await handle(line('status'));
        const { content } = world.said.at(-1)!;
        assert.ok(Buffer.byteLength(JSON.stringify(content)) < LIMITS.adminAnswerBytes + 500);
        assert.match(String(content['body']), /\n… and \d+ more; the command line shows all$/);
      }
    });

    it('says that it has a bug, where it has one, and goes on', async () => {
      world.perform = async () => {
        throw new TypeError('undefined is not a function');
      };
      await handle(line('status'));
      world.perform = async () => 'fine';
      await handle(line('status'));
      assert.deepEqual(world.answers, ['This failed by a bug of the bridge, of which its log has a line.', 'fine']);
      assert.equal(world.report.counts.get('admin_room_failed bug'), 1);
    });

    it('takes 120 commands of one admin in 11 minutes, and of another one as many', async () => {
      for (let i = 0; i < LIMITS.adminCommands + 5; i++) await handle(line('status'));
      assert.equal(world.performed.length, LIMITS.adminCommands);
      assert.equal(world.ignored('too_many'), 5);
      await handle(line('status', { sender: SECOND }));
      assert.equal(world.performed.length, LIMITS.adminCommands + 1);
      await world.clock.advance(LIMITS.adminMemoryMs);
      await handle(line('status', { origin_server_ts: world.clock.now() }));
      assert.equal(world.performed.length, LIMITS.adminCommands + 2);
    });
  });

  describe('each command once', () => {
    it('also where its event comes again, in this run or the next', async () => {
      const one = line('member invite alice');
      await handle(one, one);
      await world.room.stop();
      world.start();
      await handle(one);
      assert.deepEqual([world.performed.length, world.answers.length], [1, 1]);
      assert.equal(world.ignored('done'), 2);
    });

    it('remembers it for as long as its event would be heeded', async () => {
      const ahead = line('status', { origin_server_ts: world.clock.now() + LIMITS.adminEventMs });
      await handle(ahead);
      await world.clock.advance(2 * LIMITS.adminEventMs);
      world.start();
      await handle(ahead);
      assert.equal(world.ignored('done'), 1);
      await world.clock.advance(1);
      await handle(ahead);
      assert.equal(world.ignored('old'), 1);
      assert.equal(world.performed.length, 1);
    });

    it('says that it does not know, where the bridge ended in the middle of it', async () => {
      world.perform = async () => Promise.reject(new VollyError('shutting_down'));
      const one = line('member invite alice');
      await assert.rejects(handle(one), { code: 'shutting_down' });
      world.start();
      world.perform = async () => 'again';
      await handle(one, one);
      assert.equal(world.performed.length, 1);
      assert.equal(world.answers.length, 1);
      assert.match(String(world.answers[0]), /do not know whether it was done/);
    });

    it('does not say that after an answer that the homeserver has', async () => {
      world.roomFault = (what) => (what === 'send' ? 'lose' : undefined);
      const one = line('status');
      const lost = assert.rejects(handle(one), { code: 'shutting_down' });
      await until('it was said', () => world.said.length === 1);
      await world.room.stop();
      await lost;
      world.roomFault = () => undefined;
      world.start();
      await handle(one);
      assert.deepEqual(world.answers, ['done: status']);
      await handle(one);
      assert.equal(world.ignored('done'), 1);
    });

    it('does nothing that it cannot remember', async () => {
      const { set } = world.facts;
      world.facts.set = async () => Promise.reject(new VollyError('database'));
      const one = line('status');
      await assert.rejects(handle(one), { code: 'database' });
      assert.equal(world.performed.length, 0);
      world.facts.set = set;
      await handle(one);
      assert.equal(world.performed.length, 1);
    });
  });

  describe('a homeserver in trouble', () => {
    it('is tried three times, and then the answer is dropped', async () => {
      world.roomFault = (what) => (what === 'send' ? { status: 502, body: {} } : undefined);
      const handled = handle(line('status'), line('status'));
      for (let i = 0; i < 4; i++) {
        await until('it waits', () => world.clock.timers > 0);
        await world.clock.advance(5_000);
        await until('asked again', () => world.home.count('PUT', '/send/') > i + 1);
      }
      await handled;
      assert.equal(world.home.count('PUT', '/send/'), 6);
      assert.equal(world.report.counts.get('admin_room_failed homeserver_unreachable'), 2);
      world.roomFault = () => undefined;
      await handle(line('status'));
      assert.equal(world.answers.length, 1);
    });

    it('is asked again after the time that it wants', async () => {
      let refusals = 1;
      world.roomFault = (what) =>
        what === 'send' && refusals-- > 0 ? { status: 429, body: { errcode: 'M_LIMIT_EXCEEDED', retry_after_ms: 1 } } : undefined;
      const handled = handle(line('status'));
      await until('it waits', () => world.clock.timers > 0);
      await sleep(5);
      await world.clock.advance(1_000);
      await handled;
      assert.deepEqual(world.answers, ['done: status']);
    });

    it('is asked once where it refuses, and nothing is done where it does not say who is in the room', async () => {
      world.roomFault = () => ({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
      await handle(line('status'), membership(BOT, 'invite'));
      assert.deepEqual([world.count('state'), world.count('join'), world.performed.length], [1, 1, 0]);
      assert.equal(world.report.counts.get('admin_room_failed homeserver_refused'), 2);
      for (const text of world.report.lines) assert.doesNotMatch(text, /orchid|operator|!admins/);
    });

    it('cannot hold a stop up', async () => {
      world.roomFault = () => 'hang';
      const handled = assert.rejects(handle(line('status')), { code: 'shutting_down' });
      await until('it asks', () => world.count('state') === 1);
      await world.room.stop();
      await handled;
      await assert.rejects(handle(line('status')), { code: 'shutting_down' });
    });

    it('keeps what a stop interrupted for the next start', async () => {
      const stores = memoryStores();
      const report = new Lines();
      const common = { ...stores, clock: systemClock, counters: report, log: report };
      world.roomFault = () => 'hang';
      const transactions = new Transactions({ ...common, handle: (events) => world.room.handle(events) });
      await transactions.accept(JSON.stringify({ events: [line('status')] }));
      await until('it asks', () => world.count('state') === 1);
      await world.room.stop();
      await transactions.stop();
      assert.equal((await stores.journal.pending(TRANSACTIONS)).length, 1);
      assert.deepEqual(report.lines, []);
      world.roomFault = () => undefined;
      world.start();
      const next = new Transactions({ ...common, handle: (events) => world.room.handle(events) });
      await next.start();
      await next.stop();
      assert.deepEqual([world.performed.length, world.answers.length], [1, 1]);
      assert.equal((await stores.journal.pending(TRANSACTIONS)).length, 0);
    });
  });

  describe('rooms that end or change', () => {
    it('says in an encrypted room that it cannot read there, once, and nothing else', async () => {
      world.set('m.room.encryption', '', { algorithm: 'm.megolm.v1.aes-sha2' });
      await handle(membership(BOT, 'invite'), event({ type: 'm.room.encrypted' }), line('status'));
      assert.deepEqual(world.answers, ['This room is encrypted and I cannot read here. Invite me to one that is not.']);
      assert.equal(world.performed.length, 0);
      assert.equal(world.home.count('PUT', '/send/'), 1);
      // Another run does not know, and the homeserver does.
      world.start();
      await handle(event({ type: 'm.room.encrypted', sender: STRANGER }));
      assert.equal(world.home.count('PUT', '/send/'), 1);
      await handle(event({ type: 'm.room.encrypted' }));
      assert.equal(world.answers.length, 1);
    });

    it('says so when a room becomes one', async () => {
      await handle(event({ type: 'm.room.encryption', state_key: '' }));
      assert.match(String(world.answers[0]), /cannot read here/);
    });

    it('leaves a room that another one replaces, and does nothing there any more', async () => {
      world.set('m.room.tombstone', '', { replacement_room: '!next:orchid.example' });
      await handle(event({ type: 'm.room.tombstone', state_key: '', sender: STRANGER }), line('status'));
      await until('it left', () => world.count('leave') === 1);
      assert.deepEqual([world.performed.length, world.answers.length], [0, 0]);
    });

    it('leaves after the last admin, and not before', async () => {
      world.set('m.room.member', STRANGER, { membership: 'join' });
      await handle(membership(STRANGER, 'leave', { sender: STRANGER }));
      assert.equal(world.count('state'), 0);
      for (const value of ['leave', 'ban']) await handle(membership(SECOND, value));
      assert.equal(world.count('state'), 2);
      world.set('m.room.member', ADMIN, { membership: 'ban' });
      await handle(membership(ADMIN, 'ban', { sender: STRANGER }));
      await until('it left', () => world.count('leave') > 0);
      await sleep(20); // one too early would be here by now
      assert.equal(world.count('leave'), 1);
    });

    it('takes being thrown out as it is, and comes when it is invited again', async () => {
      await handle(membership(BOT, 'leave'), membership(BOT, 'ban', { sender: STRANGER }));
      assert.equal(world.home.requests.length, 0);
      await handle(membership(BOT, 'invite'));
      assert.equal(world.count('join'), 1);
    });
  });

  describe('hostile events', () => {
    it('ignores and counts what is not as it must be', async () => {
      const bad = [
        ...[null, 7, 'x', [], {}],
        line(7),
        line(['status']),
        line('x'.repeat(LIMITS.adminLineCharacters + 1)),
        line('status', { sender: 7 }),
        line('status', { room_id: `!${'x'.repeat(300)}` }),
        line('status', { event_id: undefined }),
        line('status', { origin_server_ts: Number.NaN }),
        line('status', { origin_server_ts: '1' }),
        line('status', { content: [] }),
        membership(BOT, 'invite', { state_key: 7 }),
      ];
      await handle(...bad);
      assert.equal(world.ignored('malformed'), bad.length);
      assert.equal(world.home.requests.length, 0);
      await handle(line('status'));
      assert.equal(world.performed.length, 1);
    });

    it('never throws and never acts, whatever events hold', async () => {
      const parts = fc.oneof(fc.jsonValue(), fc.constantFrom(ADMIN, BOT, ROOM, '$x', 'm.text', 'status', 'invite', 'leave'));
      const events = fc.record(
        {
          type: fc.constantFrom('m.room.message', 'm.room.member', 'm.room.encrypted', 'm.room.tombstone', '__proto__'),
          room_id: fc.oneof(fc.constant(ROOM), parts),
          event_id: parts,
          sender: fc.oneof(fc.constant(STRANGER), fc.jsonValue()),
          origin_server_ts: fc.oneof(fc.constant(world.clock.now()), parts),
          state_key: parts,
          content: fc.oneof(fc.dictionary(fc.constantFrom('msgtype', 'body', 'membership', 'm.relates_to'), parts), parts),
        },
        { requiredKeys: [] },
      );
      await fc.assert(
        fc.asyncProperty(fc.array(events, { maxLength: 5 }), (list) => handle(...list)),
        { numRuns: 300 },
      );
      assert.deepEqual([world.performed.length, world.answers.length, world.count('join')], [0, 0, 0]);
    });

    it('takes a room’s state as it comes', async () => {
      for (const body of [null, 7, [], [null, 7, { type: 'm.room.member' }, { type: 'm.room.encryption', content: 7 }], {}]) {
        world.roomFault = (what) => (what === 'state' ? { status: 200, body } : undefined);
        await handle(line('status'));
        assert.match(String(world.answers.at(-1)), /Not only admins can read/);
      }
      assert.equal(world.performed.length, 0);
      world.roomFault = (what) => (what === 'state' ? { status: 200, body: 'x'.repeat(LIMITS.answerBytes) } : undefined);
      await handle(line('status'));
      assert.equal(world.report.counts.get('admin_room_failed too_large'), 1);
    });

    it('is not slowed by nesting', async () => {
      const deep = JSON.parse(`${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`) as unknown;
      await handle(line(deep), line('status', { content: deep }), event({ type: 'm.room.message', content: { body: deep } }));
      assert.equal(world.performed.length, 0);
    });
  });
});
