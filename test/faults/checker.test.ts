/** That the checker of the fault tests finds what it says: hand-made logs for each column, and a real one with a line gone and one doubled. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BUILDS, placed } from './builds.ts';
import { check } from './checker.ts';
import { type AppEvent, type AppLine, type Line, LogWriter, parseLog, type RunEvent } from './log.ts';
import { failuresOf, type Row } from './rows.ts';

const A = 'a0t@orchid.example/PHONE';
const B = 'b0t@maple.example/PHONE';
const CANDIDATES = 'app.volly.call.candidates';
const HANGUP = 'app.volly.call.hangup';

const app = (name: string, t: number, event: AppEvent): AppLine => ({ ...event, t, app: name });
const run = (t: number, event: RunEvent): Line => ({ ...event, t });
/** Both apps are there from the start. */
const START: readonly Line[] = [A, B].flatMap((name) => [
  app(name, 0, { k: 'run' }),
  app(name, 1, { k: 'online', conn: 1 }),
  app(name, 2, { k: 'caught-up', conn: 1 }),
]);
const sent = (id: string, t: number, expires: number, type = CANDIDATES, call = 'c'): Line[] => [
  app(A, t, { k: 'send', id, type, to: B, expires, call }),
  app(A, t + 1, { k: 'taken', id }),
];
const came = (id: string, t: number, { type = CANDIDATES, conn = 1, call = 'c', expires = 30_000 } = {}): Line[] => [
  app(B, t, { k: 'got', id, type, from: A, conn, expires, call }),
  app(B, t + 1, { k: 'settled', id }),
];
const told = (id: string, t: number, reason: string): Line => app(A, t, { k: 'told', id, reason });
const judge = (lines: readonly Line[], until = 200_000) =>
  check(
    [...START, ...lines].sort((x, y) => x.t - y.t),
    until,
  );
/** All columns that must be 0. */
const broken = (lines: readonly Line[]) => {
  const { lost, doubled, outOfOrder, ghostRings, falseEnds, openCalls, unjournaled } = judge(lines);
  const all = { lost, doubled, outOfOrder, ghostRings, falseEnds, openCalls, unjournaled };
  return Object.fromEntries(Object.entries(all).filter(([, count]) => count > 0));
};
const OUTAGE = [run(1_000, { k: 'fault', fault: '1' }), run(40_000, { k: 'healed', fault: '1' })];

describe('the checker of the fault tests', () => {
  it('counts what was accepted and delivered', () => {
    const verdict = judge([...sent('m', 10, 30_000), ...came('m', 20), ...sent('n', 11, 30_000), ...came('n', 21)]);
    assert.deepEqual([verdict.sent, verdict.delivered, verdict.wrong], [2, 2, []]);
  });

  it('leaves out what no bridge accepted, and what is for no device', () => {
    const refused = sent('m', 10, 30_000).slice(0, 1);
    const query = [app(A, 5, { k: 'send', id: 'q', type: 'app.volly.keys.query', to: 'b0t@maple.example', expires: 10_000 })];
    assert.equal(judge([...refused, ...query, app(A, 6, { k: 'taken', id: 'q' })]).sent, 0);
  });

  it('calls lost what was accepted, did not arrive, and of which nobody was told', () => {
    assert.deepEqual(broken(sent('m', 10, 30_000)), { lost: 1 });
  });

  it('calls lost what arrived after its end', () => {
    assert.deepEqual(broken([...sent('m', 10, 30_000), ...came('m', 31_500)]), { lost: 1 });
  });

  it('calls lost what was handed over and not settled', () => {
    assert.deepEqual(broken([...sent('m', 10, 30_000), ...came('m', 20).slice(0, 1)]), { lost: 1 });
  });

  it('calls lost what was told later than 10 s after its end', () => {
    assert.deepEqual(broken([...OUTAGE, ...sent('m', 10, 30_000), told('m', 65_000, 'undeliverable')]), { lost: 1 });
  });

  it('calls lost what was told with no fault as an excuse, definitely or not', () => {
    for (const reason of ['undeliverable', 'unconfirmed'])
      assert.deepEqual(broken([...sent('m', 10, 30_000), told('m', 31_000, reason)]), { lost: 1 });
  });

  it('counts a definite failure whose end lay in an outage', () => {
    const verdict = judge([...OUTAGE, ...sent('m', 10, 30_000), told('m', 31_000, 'peer_unreachable')]);
    assert.deepEqual([verdict.failed, verdict.lost, verdict.unconfirmed, verdict.wrong], [1, 0, 0, []]);
  });

  it('takes the time in which the receiving app was away for an outage', () => {
    const away = [
      app(B, 5, { k: 'offline' }),
      app(B, 40_000, { k: 'online', conn: 2 }),
      app(B, 40_001, { k: 'caught-up', conn: 2 }),
    ];
    assert.equal(judge([...away, ...sent('m', 10, 30_000), told('m', 31_000, 'undeliverable')]).failed, 1);
  });

  it('gives a sender that is away 10 s from its return', () => {
    const away = [
      app(A, 20, { k: 'offline' }),
      app(A, 90_000, { k: 'online', conn: 2 }),
      app(A, 90_001, { k: 'caught-up', conn: 2 }),
    ];
    const word = (t: number) => [...OUTAGE, ...away, ...sent('m', 10, 30_000), told('m', t, 'undeliverable')];
    assert.deepEqual(broken(word(95_000)), {});
    assert.deepEqual(broken(word(101_000)), { lost: 1 });
  });

  it('has `unconfirmed` in a column of its own, also of what arrived', () => {
    const verdict = judge([...OUTAGE, ...sent('m', 10, 30_000), ...came('m', 20), told('m', 35_000, 'unconfirmed')]);
    assert.deepEqual([verdict.unconfirmed, verdict.delivered, verdict.failed, verdict.falseEnds], [1, 1, 0, 0]);
  });

  it('finds a definite word about what was delivered', () => {
    const lines = [...sent('m', 10, 30_000), ...came('m', 20), told('m', 31_000, 'undeliverable')];
    assert.deepEqual(broken(lines), { falseEnds: 1 });
    assert.deepEqual(broken([...OUTAGE.map((line) => ({ ...line, t: line.t + 5_000 })), ...lines]), { falseEnds: 1 });
  });

  it('counts by itself what was delivered, and its acknowledgement lost in a fault', () => {
    const gone = [app(B, 1_500, { k: 'offline' })];
    const lines = [...sent('m', 10, 30_000), ...came('m', 20), told('m', 31_000, 'undeliverable')];
    for (const fault of [gone, OUTAGE]) {
      const { ackLost, falseEnds, delivered } = judge([...fault, ...lines]);
      assert.deepEqual([ackLost, falseEnds, delivered], [1, 0, 1]);
    }
  });

  it('takes what the SDK left with the bridge for told rightly', () => {
    const kept = [...came('m', 20).slice(0, 1), app(B, 21, { k: 'kept', id: 'm', code: 'overloaded' })];
    assert.equal(judge([...sent('m', 10, 30_000), ...kept, told('m', 31_000, 'undeliverable')]).failed, 1);
  });

  it('finds what is handed over twice on one connection, and lets the protocol repeat on the next', () => {
    assert.deepEqual(broken([...sent('m', 10, 30_000), ...came('m', 20), ...came('m', 25)]), { doubled: 1 });
    assert.deepEqual(broken([...sent('m', 10, 30_000), ...came('m', 20), ...came('m', 25, { conn: 2 })]), {});
  });

  it('finds a number heard twice', () => {
    const hear = (t: number, n: number) => app(B, t, { k: 'hear', call: 'c', n });
    assert.deepEqual(broken([hear(10, 1), hear(11, 2), hear(12, 2)]), { doubled: 1 });
  });

  it('finds numbers out of order, and a gap', () => {
    const hear = (t: number, n: number) => app(B, t, { k: 'hear', call: 'c', n });
    assert.deepEqual(broken([hear(10, 2), hear(11, 1)]), { outOfOrder: 2 });
    assert.deepEqual(broken([hear(10, 1), hear(11, 3)]), { outOfOrder: 1 });
    assert.deepEqual(broken([hear(10, 1), hear(11, 2), hear(12, 3)]), {});
  });

  const rings = (t: number, { conn = 1, until = 60_000 } = {}): Line =>
    app(B, t, { k: 'rings', call: 'c', from: 'a0t@orchid.example', conn, until });
  const over = (t: number): Line => app(B, t, { k: 'over', call: 'c', reason: 'hangup', by: 'remote' });

  it('finds a ring past the life of its offer, and a second one of a call', () => {
    assert.deepEqual(broken([rings(61_001), over(61_002)]), { ghostRings: 1 });
    assert.deepEqual(broken([rings(61_000), over(61_002)]), {});
    assert.deepEqual(broken([rings(10), rings(20), over(30)]), { ghostRings: 1 });
    assert.deepEqual(broken([rings(10), over(20)]), {});
  });

  it('finds a ring after the hang-up was settled', () => {
    assert.deepEqual(broken([...came('h', 10, { type: HANGUP }), rings(20), over(30)]), { ghostRings: 1 });
  });

  it('finds a ring whose hang-up lay in the same backlog', () => {
    const again = [app(B, 5, { k: 'offline' }), app(B, 8, { k: 'online', conn: 2 })];
    const backlog = came('h', 12, { type: HANGUP, conn: 2 });
    const lines = [...again, rings(11, { conn: 2 }), ...backlog, app(B, 20, { k: 'caught-up', conn: 2 }), over(21)];
    assert.deepEqual(broken(lines), { ghostRings: 1 });
  });

  it('finds a ring whose hang-up the bridge had before the app came', () => {
    const letGo = run(7, { k: 'let-go', side: 'b', ids: ['h'] });
    const again = [app(B, 5, { k: 'offline' }), app(B, 8, { k: 'online', conn: 2 }), app(B, 9, { k: 'caught-up', conn: 2 })];
    const lines = [letGo, ...again, rings(11, { conn: 2 }), ...came('h', 12, { type: HANGUP, conn: 2 }), over(21)];
    assert.deepEqual(broken(lines), { ghostRings: 1 });
  });

  it('takes a hang-up that comes while it rings for an ordinary one', () => {
    assert.deepEqual(broken([rings(10), ...came('h', 20, { type: HANGUP }), over(22)]), {});
  });

  it('finds a call that came to no end, unless its process ended', () => {
    assert.deepEqual(broken([app(A, 10, { k: 'call', call: 'c', to: 'b0t@maple.example' }), rings(11), over(20)]), {
      openCalls: 1,
    });
    assert.deepEqual(broken([rings(11), app(B, 20, { k: 'run' })]), {});
  });

  it('finds what the homeserver was let forget and the killed bridge does not know', () => {
    const kept = run(20, { k: 'kept-by', side: 'b', asked: ['m', 'n'], known: ['n'] });
    assert.deepEqual(broken([kept]), { unjournaled: 1 });
  });

  it('measures the worst recovery, of the slower direction', () => {
    const back = app(A, 45_500, { k: 'got', id: 'x', type: CANDIDATES, from: B, conn: 1, expires: 90_000 });
    const answer = app(B, 40_300, { k: 'send', id: 'x', type: CANDIDATES, to: A, expires: 70_000 });
    const there = [...sent('m', 40_100, 70_000), ...came('m', 40_200, { expires: 70_000 })];
    assert.equal(judge([...OUTAGE, ...there, answer, back]).recoveryMs, 5_500);
    assert.equal(judge([...OUTAGE, ...there]).recoveryMs, 200);
    assert.equal(judge([...OUTAGE, ...sent('m', 40_100, 70_000)]).recoveryMs, Number.POSITIVE_INFINITY);
    assert.equal(judge([]).recoveryMs, undefined);
  });

  it('fails a row for a bound that was not kept, or could not be measured', () => {
    const row = { ...judge([...sent('m', 10, 30_000), ...came('m', 20)]), id: 'F0', title: '', seconds: 1, notes: [] };
    const bound = (value: number): Row => ({ ...row, bounds: [{ what: 'ready', value, atMost: 2_000, unit: 'ms' }] });
    assert.deepEqual(
      [bound(2_000), bound(2_001), bound(Number.NaN)].map((one) => failuresOf(one).length),
      [0, 1, 1],
    );
    assert.equal(failuresOf({ ...bound(1), sent: 0 }).length, 1);
    assert.equal(failuresOf({ ...bound(1), wrong: ['broke: apart'] }).length, 1);
  });
});

describe('a real log of the fault tests', () => {
  const fixture = new URL('../fixtures/faults/two-apps.jsonl', import.meta.url);
  let lines: readonly Line[];

  before(async () => {
    lines = parseLog(await readFile(fixture, 'utf8'));
  });

  const verdict = (changed: readonly Line[]) => {
    const { lost, doubled, outOfOrder, ghostRings, falseEnds, openCalls } = check(changed, lines.at(-1)!.t + 60_000);
    return lost + doubled + outOfOrder + ghostRings + falseEnds + openCalls;
  };
  const indexOf = (k: Line['k']) => lines.findIndex((line, i) => line.k === k && i > lines.length / 2);

  it('passes as it is', () => {
    assert.ok(check(lines).sent > 20);
    assert.equal(verdict(lines), 0);
  });

  it('fails with one line removed', () => {
    for (const k of ['settled', 'hear', 'over'] as const) assert.notEqual(verdict(lines.toSpliced(indexOf(k), 1)), 0, k);
  });

  it('fails with one line repeated', () => {
    for (const k of ['got', 'hear', 'rings'] as const) {
      const at = indexOf(k);
      assert.notEqual(verdict(lines.toSpliced(at, 0, lines[at]!)), 0, k);
    }
  });
});

describe('the log of the fault tests', () => {
  it('is written in the order of its lines, and read up to the last whole one', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'volly-log-'));
    try {
      const path = join(folder, 'a.jsonl');
      const log = await LogWriter.open(path);
      await Promise.all([1, 2, 3].map((n) => log.write({ k: 'hear', call: 'c', n, app: A })));
      await log.write({ k: 'hear', call: 'c', n: 4, app: A });
      await log.close();
      const text = await readFile(path, 'utf8');
      assert.deepEqual(
        parseLog(`${text}{"k":"he`).map((line) => line.k === 'hear' && line.n),
        [1, 2, 3, 4],
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('the builds that the fault tests must find', () => {
  for (const [name, { edits }] of Object.entries(BUILDS))
    it(`can still be made: ${name}`, () => {
      for (const edit of edits) assert.notEqual(placed(edit), '');
    });
});
