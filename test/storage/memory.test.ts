import { memoryStores } from '../../src/storage/memory/stores.ts';
import { storesContract } from './contract.ts';

describe('stores in memory', () => {
  storesContract(async () => memoryStores());
});
