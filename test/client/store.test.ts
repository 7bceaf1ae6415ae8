/** One contract for every store, and what the one on disk adds: modes, whole files, nothing left behind. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileStore } from '../../src/client/node.ts';
import { MemoryStore, type Store } from '../../src/client/store.ts';
import { ALICE, World } from './world.ts';

const bytes = (...values: number[]) => Uint8Array.from(values);

function contract(name: string, open: () => Store): void {
  it(`${name}: keeps, replaces, deletes`, async () => {
    const store = open();
    assert.equal(await store.get('one'), undefined);
    await store.set('one', bytes(1, 2));
    await store.set('two', bytes());
    await store.set('one', bytes(3));
    assert.deepEqual([...((await store.get('one')) ?? [])], [3]);
    assert.equal((await store.get('two'))?.length, 0);
    await store.delete('one');
    await store.delete('none');
    assert.equal(await store.get('one'), undefined);
  });

  it(`${name}: gives copies`, async () => {
    const store = open();
    const value = bytes(1);
    await store.set('one', value);
    value[0] = 9;
    const first = (await store.get('one')) as Uint8Array;
    first[0] = 8;
    assert.deepEqual([...((await store.get('one')) ?? [])], [1]);
  });
}

describe('client stores', () => {
  let directory: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'volly-store-'));
  });

  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  contract('memory', () => new MemoryStore());
  contract('files', () => new FileStore(join(directory, 'inner')));

  it('files: for the owner alone, and no temporary ones stay', async () => {
    const path = join(directory, 'deep', 'er');
    const store = new FileStore(path);
    await store.set('one', bytes(1));
    await store.set('one', bytes(2));
    assert.deepEqual(readdirSync(path), ['one']);
    assert.equal(statSync(path).mode & 0o777, 0o700);
    assert.equal(statSync(join(path, 'one')).mode & 0o777, 0o600);
    await assert.rejects(store.set('../one', bytes(1)), TypeError);
  });

  it('files: a client starts again from them, and they hold no call keys', async () => {
    const world = new World();
    const store = () => new FileStore(join(directory, 'alice'));
    const alice = await world.client({ member: ALICE, store: store() });
    const { address } = alice;
    await alice.close();
    const again = await world.client({ store: store() });
    assert.equal(again.address, address);
    assert.deepEqual(readdirSync(join(directory, 'alice')).sort(), ['account', 'keys']);
    await world.close();
  });
});
