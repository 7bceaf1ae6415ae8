/** What every implementation of the stores keeps. `open` gives fresh, empty stores; the suite closes them. */
import type { Stores } from '../../src/storage/types.ts';
import { membersContract } from './contract-members.ts';
import { queuesContract } from './contract-queues.ts';
import { rollContract } from './contract-roll.ts';

export function storesContract(open: () => Promise<Stores>): void {
  let stores: Stores;
  beforeEach(async () => {
    stores = await open();
  });
  afterEach(() => stores.close());
  queuesContract(() => stores);
  membersContract(() => stores);
  rollContract(() => stores);
}
