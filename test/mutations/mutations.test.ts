/** That the records of mutations.ts still fit the source and leave nothing out. Whether tests notice them is shown by `run.ts`. */
import assert from 'node:assert/strict';
import { MUTATIONS, REQUIREMENTS } from './mutations.ts';
import { filesByRequirement, place } from './tree.ts';

describe('the requirements R1 to R14', () => {
  it('each have a test whose title begins with its number', () => {
    const tests = filesByRequirement();
    assert.deepEqual(
      REQUIREMENTS.filter((requirement) => !tests.has(requirement)),
      [],
    );
  });

  it('each have a recorded change', () => {
    const recorded = new Set(MUTATIONS.map(({ requirement }) => requirement));
    assert.deepEqual([...REQUIREMENTS].sort(), [...recorded].sort());
  });

  for (const mutation of MUTATIONS)
    it(`${mutation.requirement} can still be broken: ${mutation.why}`, () => {
      assert.ok(place(mutation).line > 0);
    });
});
