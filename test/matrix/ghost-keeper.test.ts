import assert from 'node:assert/strict';
import { type Clock, systemClock } from '../../src/clock.ts';
import { VollyError } from '../../src/errors.ts';
import { memberId, parseLocalpart } from '../../src/ids.ts';
import { GhostKeeper, ghostFact } from '../../src/matrix/ghost-keeper.ts';
import { memoryStores } from '../../src/storage/memory/stores.ts';
import type { Stores } from '../../src/storage/types.ts';
import { ManualClock, settle } from '../support/clock.ts';
import { ORCHID } from './fake-world.ts';
import { Lines, until } from './receiver-contract.ts';

describe('ghost keeper', () => {
  let stores: Stores;
  let report: Lines;
  let made: string[];
  let ended: string[];
  let answer: 'gone' | 'nameless';
  let away: boolean;
  let keeper: GhostKeeper;
  const keep = (ensure: (member: string) => Promise<void> = async () => {}, clock: Clock = systemClock): GhostKeeper => {
    report = new Lines();
    made = [];
    keeper = new GhostKeeper({
      server: ORCHID,
      members: stores.members,
      roll: stores.roll,
      facts: stores.facts,
      ensure: async (member) => {
        await ensure(member);
        made.push(member);
      },
      end: async (member) => {
        if (away) throw new VollyError('homeserver_unreachable');
        ended.push(member);
        return answer;
      },
      clock,
      counters: report,
      log: report,
    });
    keeper.start();
    return keeper;
  };
  beforeEach(async () => {
    [ended, answer, away] = [[], 'gone', false];
    stores = memoryStores();
    await stores.members.add(parseLocalpart('alice'), 'enhanced');
    await stores.members.add(parseLocalpart('bob'), 'legacy');
  });
  afterEach(() => keeper.stop());

  it('gives every member a ghost, once for all starts', async () => {
    keep();
    await until('both', () => made.length === 2);
    assert.deepEqual(made.sort(), ['alice@orchid.example', 'bob@orchid.example']);
    await keeper.stop();
    await stores.members.add(parseLocalpart('carol'), 'enhanced');
    keep();
    await until('the new one', () => made.length === 1);
    assert.deepEqual(made, ['carol@orchid.example']);
  });

  it('tries again every 30 s, and says one line for one reason', async () => {
    const clock = new ManualClock();
    let reason = 'ghost answered 400';
    keep(async () => Promise.reject(new VollyError('homeserver_refused', reason)), clock);
    const looks = () => report.counts.get('ghost_failed homeserver_refused') ?? 0;
    for (const [count, lines] of [
      [1, 1],
      [2, 1],
      [3, 2],
    ] as const) {
      await until('it looks', () => looks() === count);
      assert.equal(report.lines.length, lines);
      if (count === 2) reason = 'ghost answered 403';
      await settle();
      await clock.advance(30_000);
    }
  });

  it('says why a ghost could not be made, but leaves an absent homeserver to the receiver', async () => {
    keep(async () => Promise.reject(new VollyError('homeserver_refused', 'ghost answered 400')));
    await until('told', () => report.lines.length === 1);
    assert.match(report.lines[0] ?? '', /could not be made or ended; calls work without: homeserver_refused: ghost answered 400/);
    await keeper.stop();
    keep(async () => Promise.reject(new VollyError('homeserver_unreachable')));
    await until('counted', () => report.counts.get('ghost_failed homeserver_unreachable') === 1);
    assert.deepEqual(report.lines, []);
  });

  describe('of a member who is removed', () => {
    const alice = parseLocalpart('alice');
    const remove = () => stores.roll.remove(memberId(alice, ORCHID), 1, (fact) => fact === ghostFact(alice));

    it('ends the ghost at once, and makes none of that name again', async () => {
      const clock = new ManualClock();
      keep(undefined, clock);
      await until('both', () => made.length === 2);
      await remove();
      await keeper.leave(alice);
      assert.deepEqual([ended, await stores.roll.leaving()], [['alice@orchid.example'], []]);
      await settle();
      await clock.advance(60_000);
      assert.equal(made.length, 2);
      assert.equal(await stores.facts.get(ghostFact(alice)), undefined);
    });

    it('goes on trying while the homeserver is away, over a restart too', async () => {
      const clock = new ManualClock();
      keep(undefined, clock);
      await until('both', () => made.length === 2);
      away = true;
      await remove();
      await assert.rejects(keeper.leave(alice), { code: 'homeserver_unreachable' });
      assert.deepEqual(await stores.roll.leaving(), [alice]);
      await keeper.stop();
      away = false;
      keep(undefined, clock);
      await until('it is ended', () => ended.length === 1);
      await settle();
      assert.deepEqual(await stores.roll.leaving(), []);
    });

    it('says so where the homeserver leaves it there without a name', async () => {
      keep(undefined, new ManualClock());
      answer = 'nameless';
      await remove();
      await keeper.leave(alice);
      assert.match(report.lines.join(), /does not deactivate the ghost/);
      assert.doesNotMatch(report.lines.join(), /alice/);
    });

    it('leaves no trace of a ghost that was being made at that moment', async () => {
      let go = () => {};
      const held = new Promise<void>((resolve) => {
        go = resolve;
      });
      keep((member) => (member.startsWith('alice') ? held : Promise.resolve()), new ManualClock());
      await settle();
      await remove();
      const leaving = keeper.leave(alice);
      go();
      await leaving;
      assert.equal(await stores.facts.get(ghostFact(alice)), undefined);
      assert.deepEqual(ended, ['alice@orchid.example']);
    });
  });
});
