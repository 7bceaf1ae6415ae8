import assert from 'node:assert/strict';
import { VollyError } from '../../../src/errors.ts';
import { parseLocalpart } from '../../../src/ids.ts';
import { pathParams } from '../../../src/ops/admin/operation.ts';
import { OPERATIONS } from '../../../src/ops/admin/operations.ts';
import { AdminWorld, ALICE, FERN, IRIS, ORCHID, PHONE, TABLET } from './world.ts';

const BOB = parseLocalpart('bob');
const DAY = 86_400_000;

describe('operations', () => {
  let world: AdminWorld;
  beforeEach(() => {
    world = new AdminWorld();
  });

  it('have names and places of their own, and tell what they change', () => {
    const places = OPERATIONS.map(({ method, path }) => `${method} ${path.replaceAll(/\{\w+\}/g, '*')}`);
    assert.equal(new Set(places).size, OPERATIONS.length);
    assert.equal(new Set(OPERATIONS.map(({ name }) => name)).size, OPERATIONS.length);
    for (const { method, changes, name } of OPERATIONS) assert.equal(changes, method !== 'GET', name);
  });

  it('leave one line in the log for each change, with neither parameter nor result', async () => {
    await world.enrol(ALICE, PHONE);
    await world.run('member list');
    await world.run('member suspend', { member: 'alice' });
    await assert.rejects(world.run('member suspend', { member: 'nobody' }), { code: 'unknown_member' });
    await assert.rejects(world.run('peer block', { server: 'no server' }), { code: 'bad_request' });
    assert.deepEqual(world.log.lines, [
      'admin: member suspend: test: ok',
      'admin: member suspend: test: unknown_member',
      'admin: peer block: test: bad_request',
    ]);
  });

  it('name the parameter that is wrong and what belongs there, and never what it held', async () => {
    for (const [name, params, param, wanted] of [
      ['member show', { member: 'Alice Secret' }, 'member', 'A member of this community, as alice or alice@orchid.example.'],
      ['member list', { limit: 0 }, 'limit', 'How many at most.'],
      ['member list', { limit: 'many' }, 'limit', 'How many at most.'],
      ['member show', {}, 'member', 'A member of this community, as alice or alice@orchid.example.'],
      ['device remove', { member: 'alice', device: 'phone' }, 'device', 'A device of the member, as PHONE.'],
      ['quarantine show', { item: -1 }, 'item', 'Its number in `quarantine list`.'],
      ['quarantine clear', { code: "x' OR 1" }, 'code', 'Why it was refused: a code of docs/ERRORS.md.'],
    ] as const) {
      const message = `bad_request: ${name}: ${param}; wanted: ${wanted}`;
      await assert.rejects(world.run(name, params), { code: 'bad_request', message });
    }
    const message = 'bad_request: member list: unknown: colour';
    await assert.rejects(world.run('member list', { colour: 'red' }), { code: 'bad_request', message });
  });

  describe('on members', () => {
    beforeEach(async () => {
      await world.enrol(ALICE, PHONE, TABLET);
      await world.stores.members.add(BOB, 'legacy');
    });

    it('lists them in pages', async () => {
      const createdAt = world.clock.now();
      assert.deepEqual(await world.run('member list', { limit: 1 }), {
        members: [{ member: 'alice', kind: 'enhanced', createdAt }],
        next: 'alice',
      });
      assert.deepEqual(await world.run('member list', { limit: '1', after: 'alice' }), {
        members: [{ member: 'bob', kind: 'legacy', createdAt }],
      });
      await world.run('member suspend', { member: 'bob' });
      assert.equal(
        await world.text('member list'),
        `MEMBER  KIND      SINCE       SUSPENDED
alice   enhanced  2026-01-01  -
bob     legacy    2026-01-01  2026-01-01 00:00:00Z`,
      );
      assert.match(await world.text('member list', { limit: 1 }), /\nmore: --after alice$/);
    });

    it('shows one with its devices', async () => {
      await world.stores.roll.seen(ALICE, TABLET, world.clock.now() - 3 * DAY);
      world.online.add(world.device(ALICE));
      const { devices } = await world.run('member show', { member: 'alice@orchid.example' });
      assert.deepEqual(devices, [
        { device: 'PHONE', online: true, published: true },
        { device: 'TABLET', online: false, published: true, seenOn: Date.UTC(2025, 11, 29) },
      ]);
      assert.equal(
        await world.text('device list', { member: 'alice' }),
        `DEVICE  STATE    CAN BE CALLED  LAST SEEN
PHONE   online   yes            now
TABLET  offline  yes            2025-12-29`,
      );
      for (const member of ['carol', 'alice@iris.example'])
        await assert.rejects(world.run('member show', { member }), { code: 'unknown_member' });
    });

    it('suspends one: on disk first, then its connections end; twice changes nothing and still ends them', async () => {
      assert.deepEqual(await world.run('member suspend', { member: 'alice' }), { changed: true });
      assert.equal(await world.stores.members.active(ALICE), undefined);
      assert.deepEqual(await world.run('member suspend', { member: 'alice' }), { changed: false });
      assert.deepEqual(world.ended, Array(2).fill('alice@orchid.example suspended'));
      assert.deepEqual(await world.run('member resume', { member: 'alice' }), { changed: true });
      assert.deepEqual(await world.run('member resume', { member: 'alice' }), { changed: false });
      assert.equal(await world.stores.members.active(ALICE), 'enhanced');
    });

    it('removes one: nobody comes in any more, goodbyes, then all that is of it, then the ghost', async () => {
      let activeAtTheEnd: unknown = 'not asked';
      world.ports.endMember = async (member, code) => {
        world.ended.push(`${member} ${code}`);
        activeAtTheEnd = await world.stores.members.active(ALICE);
      };
      world.ghost = 'waiting';
      assert.match(await world.text('member remove', { member: 'alice' }), /^Removed\. The homeserver does not answer/);
      assert.equal(activeAtTheEnd, undefined);
      assert.deepEqual(new Set(world.ended), new Set(['alice@orchid.example not_enrolled']));
      assert.deepEqual(world.asked, ['forget alice@orchid.example', 'end ghost alice@orchid.example']);
      await assert.rejects(world.run('member remove', { member: 'alice' }), { code: 'unknown_member' });
    });

    it('gives the name of one who was removed to nobody', async () => {
      await world.run('member remove', { member: 'alice' });
      await assert.rejects(world.run('member invite', { member: 'alice' }), { code: 'name_held' });
      await assert.rejects(world.run('member legacy', { member: 'alice' }), { code: 'name_held' });
    });
  });

  describe('on invites', () => {
    it('makes one, lists the open ones, and revokes one by its id', async () => {
      const made = await world.run('member invite', { member: 'carol@orchid.example' });
      assert.deepEqual(made, {
        member: 'carol',
        link: 'volly://orchid.example/invite#carol',
        expires: world.clock.now() + 1_000,
      });
      assert.equal(await world.text('member invite', { member: 'dave' }), 'volly://orchid.example/invite#dave');
      const { invites } = await world.run('member invites');
      assert.deepEqual(
        invites.map(({ member }: { member: string }) => member),
        ['carol', 'dave'],
      );
      assert.match(await world.text('member invites'), new RegExp(`^INVITE +MEMBER  UNTIL\n${invites[0].id}  carol   2026-`));
      assert.deepEqual(await world.run('member revoke', { invite: invites[0].id }), { changed: true });
      await assert.rejects(world.run('member revoke', { invite: invites[0].id }), { code: 'not_found' });
      assert.equal((await world.run('member invites')).invites.length, 1);
      await world.clock.advance(1_000);
      assert.equal(await world.text('member invites'), 'No open invites.');
    });

    it('makes a credential, and refuses names of other communities and enhanced members', async () => {
      assert.equal(await world.text('member legacy', { member: 'olga' }), 'credential-of-olga');
      await world.enrol(ALICE, PHONE);
      await assert.rejects(world.run('member legacy', { member: 'alice' }), { code: 'name_taken' });
      await assert.rejects(world.run('member invite', { member: 'alice@iris.example' }), { code: 'unknown_member' });
    });
  });

  describe('on devices', () => {
    beforeEach(() => world.enrol(ALICE, PHONE, TABLET));

    it('bars one, whose connection ends, and lets it in again', async () => {
      assert.deepEqual(await world.run('device remove', { member: 'alice', device: 'TABLET' }), { changed: true });
      assert.deepEqual(world.ended, ['alice@orchid.example/TABLET not_enrolled']);
      assert.equal(await world.stores.members.admits(ALICE, TABLET, Uint8Array.of(1)), 'barred');
      assert.deepEqual(await world.run('device remove', { member: 'alice', device: 'TABLET' }), { changed: false });
      assert.match(await world.text('device list', { member: 'alice' }), /TABLET {2}removed 2026-01-01 00:00:00Z {2}no/);
      assert.deepEqual(await world.run('device allow', { member: 'alice', device: 'TABLET' }), { changed: true });
      assert.deepEqual(await world.run('device allow', { member: 'alice', device: 'TABLET' }), { changed: false });
      assert.equal(await world.stores.members.admits(ALICE, TABLET, Uint8Array.of(1)), 'yes');
    });

    it('knows no device that the list does not have, and none of a legacy member', async () => {
      await world.stores.members.add(BOB, 'legacy');
      await world.stores.roll.seen(BOB, 'LEGACY' as typeof PHONE, world.clock.now());
      await assert.rejects(world.run('device remove', { member: 'alice', device: 'WATCH' }), { code: 'not_found' });
      await assert.rejects(world.run('device remove', { member: 'bob', device: 'LEGACY' }), { code: 'not_found' });
      await assert.rejects(world.run('device remove', { member: 'carol', device: 'PHONE' }), { code: 'unknown_member' });
    });
  });

  describe('on peers', () => {
    const fern = { server: FERN, state: 'silent', waiting: 2, bytes: 1_500, oldestMs: 9_000, skewMs: 2_000 } as const;

    it('lists those that are known and those that are blocked, with what is so by configuration', async () => {
      world.peers = [{ ...fern, heardAt: world.clock.now() }];
      await world.run('peer block', { server: IRIS });
      assert.equal(
        await world.text('peer list'),
        `SERVER        STATE    WAITING                   LAST HEARD            CLOCK
fern.example  silent   2 (1.5 kB, oldest 9.0 s)  2026-01-01 00:00:00Z  +2.0 s
iris.example  blocked  -                         -                     -`,
      );
      world.denied.add(FERN);
      assert.deepEqual(await world.run('peer show', { server: FERN }), { ...fern, heardAt: world.clock.now(), allowed: false });
      assert.match(await world.text('peer show', { server: FERN }), /fern\.example {2}denied/);
      await assert.rejects(world.run('peer show', { server: 'moss.example' }), { code: 'not_found' });
      assert.match(await world.text('peer list', { limit: 1 }), /\nand 1 more; --limit shows them$/);
    });

    it('blocks and allows, and says where the configuration denies all the same', async () => {
      assert.deepEqual(await world.run('peer block', { server: FERN }), { changed: true });
      assert.deepEqual(await world.run('peer block', { server: FERN }), { changed: false });
      assert.deepEqual(await world.run('peer allow', { server: FERN }), { changed: true, allowed: true });
      assert.deepEqual(world.asked, [`block ${FERN}`, `block ${FERN}`, `allow ${FERN}`]);
      world.ports.peers.isAllowed = () => false;
      assert.match(
        await world.text('peer allow', { server: FERN }),
        /^It was not blocked\. The configuration’s policy denies it still\.$/,
      );
      await assert.rejects(world.run('peer block', { server: ORCHID }), { code: 'bad_request' });
    });

    it('wakes one that is allowed', async () => {
      assert.deepEqual(await world.run('peer wake', { server: FERN }), { answered: true });
      world.answers = false;
      assert.equal(await world.text('peer wake', { server: FERN }), 'Its server does not answer.');
      world.denied.add(IRIS);
      await assert.rejects(world.run('peer wake', { server: IRIS }), { code: 'denied_by_policy' });
    });
  });

  describe('on the quarantine', () => {
    const envelope = {
      ...{
        id: 'AAAAAAAAAAAAAAAAAAAAAA',
        type: 'app.volly.call.offer',
        from: 'bob@fern.example/PHONE',
        to: 'alice@orchid.example/PHONE',
      },
      ...{ expires: 1_767_225_600_000, sealed: 'U0VDUkVU' },
    };

    it('shows outsides only', async () => {
      await world.quarantine('wrong_type', JSON.stringify(envelope));
      await world.quarantine('bad_encoding', '{"cut');
      const list = await world.run('quarantine list');
      assert.deepEqual(
        list.items.map(({ item, from, code, type }: Record<string, unknown>) => [item, from, code, type]),
        [
          [2, FERN, 'bad_encoding', undefined],
          [1, FERN, 'wrong_type', 'app.volly.call.offer'],
        ],
      );
      const shown = await world.run('quarantine show', { item: 1 });
      const { sealed: _, type: __, ...outside } = envelope;
      assert.deepEqual(shown.outside, { ...outside, fields: ['id', 'type', 'from', 'to', 'expires', 'sealed'] });
      for (const text of [JSON.stringify([list, shown]), await world.text('quarantine show', { item: 1 })])
        assert.ok(!text.includes('U0VDUkVU'));
      assert.match(
        await world.text('quarantine list'),
        /^ITEM {2}WHEN .*\n2 +2026-01-01 00:00:00Z {2}fern\.example {2}bad_encoding {2}- +5 B\n/,
      );
    });

    it('shows nothing of hostile content that could move a cursor, make a link, or break a table', async () => {
      const hostile = {
        id: '\u001b[2J',
        type: 'a\nb',
        from: '<script>',
        to: ['x'],
        expires: 1e300,
        '\u001b]8;;http://x\u0007': 1,
      };
      for (const content of [JSON.stringify(hostile), '[]', 'null', '"text"', '[['.repeat(20_000)])
        await world.quarantine('bad_encoding', content);
      for (let item = 1; item <= 5; item++) {
        const { outside } = await world.run('quarantine show', { item });
        assert.deepEqual({ ...outside, fields: [] }, { fields: [] });
        // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
        assert.doesNotMatch(await world.text('quarantine show', { item }), /[\u0000-\u0009\u000b-\u001f\u007f]|script/);
      }
    });

    it('pages, and drops one or all of a code', async () => {
      for (let n = 0; n < 3; n++) await world.quarantine(n === 1 ? 'wrong_type' : 'bad_encoding', '{}');
      const first = await world.run('quarantine list', { limit: 2 });
      assert.deepEqual([first.total, first.items.length, first.next], [3, 2, 2]);
      assert.equal((await world.run('quarantine list', { before: first.next })).items[0].item, 1);
      assert.equal((await world.run('quarantine list', { code: 'wrong_type' })).items.length, 1);
      assert.deepEqual(await world.run('quarantine drop', { item: 2 }), { changed: true });
      await assert.rejects(world.run('quarantine drop', { item: 2 }), { code: 'not_found' });
      assert.deepEqual(await world.run('quarantine clear', { code: 'bad_encoding' }), { dropped: 2 });
      assert.equal(await world.text('quarantine list'), 'Nothing is in quarantine.');
    });

    it('releases one, which goes when it passed and stays when it did not', async () => {
      await world.quarantine('bad_encoding', JSON.stringify(envelope));
      world.releasing = () => Promise.reject(new VollyError('expired'));
      await assert.rejects(world.run('quarantine release', { item: 1 }), { code: 'expired' });
      assert.equal(await world.stores.quarantine.count(), 1);
      world.releasing = async ({ source, content }) => (source === FERN && content === JSON.stringify(envelope) ? 1 : 0);
      assert.equal(await world.text('quarantine release', { item: 1 }), 'Released: 1 envelope.');
      await assert.rejects(world.run('quarantine release', { item: 1 }), { code: 'not_found' });
    });
  });

  for (const operation of OPERATIONS)
    it(`give results that are as their schemas say: ${operation.name}`, async () => {
      await world.enrol(ALICE, PHONE);
      await world.quarantine('wrong_type', '{"type":"app.volly.call.offer"}');
      await world.run('member invite', { member: 'carol' });
      const [{ id: invite }] = (await world.run('member invites')).invites;
      world.peers = [{ server: FERN, state: 'ok', waiting: 0, bytes: 0, oldestMs: 0 }];
      const values: Record<string, unknown> = {
        member: 'alice',
        device: 'PHONE',
        server: FERN,
        item: 1,
        code: 'wrong_type',
        invite,
      };
      if (operation.name === 'member legacy') values['member'] = 'olga';
      const wanted = pathParams(operation.path).map((name) => [name, values[name]]);
      const result = await world.run(operation.name, Object.fromEntries(wanted));
      const parsed = operation.result.safeParse(JSON.parse(JSON.stringify(result)));
      assert.ok(parsed.success, parsed.error?.message);
      assert.notEqual(operation.text(result as never), '');
    });
});
