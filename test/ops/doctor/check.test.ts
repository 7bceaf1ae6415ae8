import assert from 'node:assert/strict';
import { type Check, check, runChecks } from '../../../src/ops/doctor/check.ts';
import { type Finding, failed, notTried, ok, warning } from '../../../src/ops/doctor/finding.ts';
import { findingLines, summary } from '../../../src/ops/doctor/page.ts';

const told = async (checks: readonly Check[], fix = false): Promise<Finding[]> => {
  const found: Finding[] = [];
  for await (const finding of runChecks(checks, { fix })) found.push(finding);
  return found;
};

describe('Checks', () => {
  it('are told in the order of the list, whichever is done first', async () => {
    const gate = Promise.withResolvers<void>();
    const slow = check({ name: 'node', needs: [], run: () => gate.promise.then(() => ok('slow', 1)) });
    const quick = check({
      name: 'config',
      needs: [],
      run() {
        gate.resolve();
        return ok('quick', 2);
      },
    });
    const heard: string[] = [];
    for await (const { found } of runChecks([slow, quick], { waiting: (title) => heard.push(title) })) heard.push(found);
    assert.deepEqual(heard, ['Node.js', 'slow', 'Configuration', 'quick']);
  });

  it('are given the values of those they need, each of which runs once', async () => {
    let runs = 0;
    const one = check({ name: 'node', needs: [], run: () => ok('', ++runs) });
    const two = check({ name: 'config', needs: [one], run: ([value]) => warning('disk_low', '', value + 1) });
    const three = check({ name: 'storage', needs: [one, two], run: ([a, b]) => ok(`${a} ${b}`, undefined) });
    const found = await told([one, two, three]);
    assert.deepEqual([runs, found[2]?.found], [1, '1 2']);
  });

  it('are not tried where one they need has failed, and name the first', async () => {
    const one = check({ name: 'config', needs: [], run: () => failed('bad_config', '') });
    const two = check({ name: 'registration', needs: [one], run: () => assert.fail() });
    const three = check({ name: 'bridge', needs: [two], run: () => assert.fail() });
    const four = check({ name: 'peers', needs: [], run: () => notTried('no bridge runs') });
    const found = await told([one, two, three, four]);
    assert.deepEqual(
      found.map(({ result, found }) => `${result} ${found}`),
      [
        'failed ',
        'skipped not tried: Configuration comes first',
        'skipped not tried: Configuration comes first',
        'skipped not tried: no bridge runs',
      ],
    );
  });

  it('that come to no end are ended, and their signal says so', async () => {
    let aborted = false;
    const hangs = check({
      ...{ name: 'homeserver', needs: [], deadlineMs: 10 },
      run: (_, signal) => {
        signal.addEventListener('abort', () => {
          aborted = true;
        });
        return new Promise<never>(() => {});
      },
    });
    const [finding] = await told([hangs]);
    assert.deepEqual([finding?.result, finding?.code, aborted], ['failed', 'check_timed_out', true]);
  });

  it('that break are a bug, told without the words of the error', async () => {
    const breaks = check({ name: 'key', needs: [], run: () => assert.fail('secret') });
    const [finding] = await told([breaks]);
    assert.equal(finding?.code, 'check_broke');
    assert.doesNotMatch(JSON.stringify(finding), /secret/);
  });

  it('mend only when told to, and are then tried again', async () => {
    let broken = true;
    const fix = (): string => {
      broken = false;
      return 'did it';
    };
    const one = check({
      name: 'permissions',
      needs: [],
      run: () => (broken ? failed('readable_by_others', 'x', { fix }) : ok('good', 1)),
    });
    const two = check({ name: 'bridge', needs: [one], run: ([value]) => ok(String(value), undefined) });
    assert.equal((await told([one, two]))[1]?.result, 'skipped');
    const [mended, next] = await told([one, two], true);
    assert.deepEqual([mended?.result, mended?.fixed, next?.found], ['ok', 'did it', '1']);
  });

  it('that cannot be mended stay as they are', async () => {
    const fix = (): never => {
      throw Object.assign(new Error(), { code: 'EPERM' });
    };
    const one = check({ name: 'permissions', needs: [], run: () => failed('readable_by_others', 'x', { fix }) });
    const [finding] = await told([one], true);
    assert.deepEqual([finding?.result, finding?.fixed], ['failed', 'could not be mended (EPERM)']);
  });
});

describe('A finding', () => {
  it('is one line, and with trouble a line of cause and one of cure', async () => {
    const [good, bad] = await told([
      check({ name: 'node', needs: [], run: () => ok('24.21.0', undefined) }),
      check({ name: 'config', needs: [], run: () => failed('bad_config', '2 mistakes', { details: ['one', 'two'] }) }),
    ]);
    assert.equal(findingLines(good!), '✔ Node.js                   24.21.0');
    assert.match(
      findingLines(bad!),
      /^✖ Configuration +2 mistakes\n {4}one\n {4}two\n {4}cause: .+ \[bad_config\]\n {4}cure: .+$/,
    );
    assert.equal(summary([good!]), 'All good.');
    assert.equal(summary([good!, bad!]), '1 failed, 0 to look at, 0 not tried.');
  });
});
