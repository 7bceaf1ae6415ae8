import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { drifted } from '../../src/config/generate.ts';
import { limitsPage } from '../../src/config/reference.ts';
import { LIMITS } from '../../src/limits.ts';

describe('generated files', () => {
  it('are as the code makes them (npm run generate)', () => {
    assert.deepEqual(drifted(), []);
  });

  it('name every limit with its reason', () => {
    const page = limitsPage(readFileSync(new URL('../../src/limits.ts', import.meta.url), 'utf8'));
    assert.deepEqual(
      Object.keys(LIMITS).filter((name) => !new RegExp(`^\\| \`${name}\` \\| [^|]+ \\| \\S.* \\|$`, 'm').test(page)),
      [],
    );
  });
});
