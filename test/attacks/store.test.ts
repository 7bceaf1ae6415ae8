/** A store of another version, and one that came back from a backup. */
import assert from 'node:assert/strict';
import { MemoryStore, readRecord } from '../../src/client/store.ts';
import { encodeCbor } from '../../src/protocol/cbor.ts';

describe('a device’s store', () => {
  it('of a newer program is refused: taken for an empty one, every pin would be lost without a word', async () => {
    const store = new MemoryStore();
    await store.set('contacts', encodeCbor([2, []]));
    await assert.rejects(readRecord(store, 'contacts'), { code: 'newer_schema' });
    await store.set('contacts', encodeCbor('contacts'));
    await assert.rejects(readRecord(store, 'contacts'), { code: 'bad_encoding' });
    assert.equal(await readRecord(store, 'account'), undefined);
  });
});
