import assert from 'node:assert/strict';
import { type Clock, systemClock } from '../../src/clock.ts';
import { VollyError } from '../../src/errors.ts';
import { parseLocalpart } from '../../src/ids.ts';
import { GhostKeeper } from '../../src/matrix/ghost-keeper.ts';
import { memoryStores } from '../../src/storage/memory/stores.ts';
import type { Stores } from '../../src/storage/types.ts';
import { ManualClock, settle } from '../support/clock.ts';
import { ORCHID } from './fake-world.ts';
import { Lines, until } from './receiver-contract.ts';

describe('ghost keeper', () => {
  let stores: Stores;
  let report: Lines;
  let made: string[];
  let keeper: GhostKeeper;
  const keep = (ensure: (member: string) => Promise<void> = async () => {}, clock: Clock = systemClock): GhostKeeper => {
    report = new Lines();
    made = [];
    keeper = new GhostKeeper({
      server: ORCHID,
      members: stores.members,
      facts: stores.facts,
      ensure: async (member) => {
        await ensure(member);
        made.push(member);
      },
      clock,
      counters: report,
      log: report,
    });
    keeper.start();
    return keeper;
  };
  beforeEach(async () => {
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
    assert.match(report.lines[0] ?? '', /could not be made; calls work without: homeserver_refused: ghost answered 400/);
    await keeper.stop();
    keep(async () => Promise.reject(new VollyError('homeserver_unreachable')));
    await until('counted', () => report.counts.get('ghost_failed homeserver_unreachable') === 1);
    assert.deepEqual(report.lines, []);
  });
});
