import assert from 'node:assert/strict';
import { readOptions } from './options.ts';
import { type Row, table } from './rows.ts';
import { SCENARIOS } from './scenarios.ts';

describe('the command line of the fault tests', () => {
  it('runs everything in its long form unless told otherwise', () => {
    const options = readOptions([]);
    assert.deepEqual([options?.ids, options?.form, options?.everything], [Object.keys(SCENARIOS), 'long', true]);
    assert.ok(Number.isInteger(options?.seed));
  });

  it('takes a choice, a form, a seed, a duration', () => {
    const options = readOptions([
      '--only',
      'f1, S5',
      '--short',
      '--seed',
      '7',
      '--minutes',
      '2.5',
      '--json',
      'rows.json',
      '--keep',
    ]);
    const expected = {
      ids: ['F1', 'S5'],
      everything: false,
      form: 'short',
      minutes: 2.5,
      seed: 7,
      json: 'rows.json',
      keep: true,
    };
    assert.deepEqual(options, { ...expected, build: undefined });
    assert.equal(readOptions(['--help']), undefined);
  });

  it('tries a bad build with F1', () => {
    assert.deepEqual(readOptions(['--build', 'no-dedupe'])?.ids, ['F1']);
  });

  it('says in one line what it does not understand', () => {
    for (const args of [
      ['--only', 'F99'],
      ['--build', 'good'],
      ['--minutes', '0'],
      ['--seed', 'x'],
    ])
      assert.throws(() => readOptions(args), /^Error: --/);
  });

  it('loads every scenario under its own id', async () => {
    for (const [id, load] of Object.entries(SCENARIOS)) assert.equal((await load()).scenario.id, id);
  });
});

describe('the table of the fault tests', () => {
  const none = { lost: 0, doubled: 0, outOfOrder: 0, ghostRings: 0, falseEnds: 0, openCalls: 0, unjournaled: 0 };
  const row: Row = {
    ...{ id: 'F1', title: 'killed', seconds: 12, sent: 10, delivered: 10, ...none, failed: 0, unconfirmed: 0, ackLost: 0 },
    ...{
      recoveryMs: undefined,
      bounds: [{ what: 'ready', value: 900, atMost: 2_000, unit: 'ms' }],
      notes: ['20 kills'],
      wrong: [],
    },
  };

  it('says of each scenario whether it held, and explains its columns', () => {
    const text = table([row, { ...row, id: 'F2', lost: 1 }]);
    assert.match(text, /^F1 .* ok$/m);
    assert.match(text, /^F2 .* FAILED$/m);
    assert.match(text, /^F1 {2}killed · ready 900 ms \(≤ 2000\) · 20 kills$/m);
    for (const column of ['sent', 'lost', 'ghosts', 'unconfirmed']) assert.match(text, new RegExp(`^${column} {2,}`, 'm'));
  });
});
