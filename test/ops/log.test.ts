import assert from 'node:assert/strict';
import { createLog } from '../../src/ops/log.ts';

describe('log', () => {
  const lines: string[] = [];
  const log = createLog({ level: 'info', destination: { write: (line: string) => void lines.push(line) } });
  beforeEach(() => {
    lines.length = 0;
  });

  it('writes one line of JSON with time and level, and nothing of the machine', () => {
    log.info({ code: 'expired' }, 'refused');
    const line = JSON.parse(lines[0] ?? '');
    assert.deepEqual(Object.keys(line), ['level', 'time', 'code', 'msg']);
    assert.equal(line.level, 'info');
  });

  it('hides secrets that were handed to it by mistake', () => {
    log.warn(
      {
        as_token: 'hush',
        registration: { hs_token: 'hush' },
        headers: { authorization: 'Bearer hush' },
        envelope: { sealed: 'hush' },
      },
      'oops',
    );
    assert.doesNotMatch(lines[0] ?? '', /hush/);
  });

  it('is silent below its level', () => {
    log.debug('nothing');
    assert.deepEqual(lines, []);
  });
});
