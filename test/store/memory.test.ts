import test from 'ava';
import { memoryDisk, memoryStore } from '../../coordinator/store/memory.js';
import { storeContract } from '../contracts/store.js';
import { chance } from './sample.js';

storeContract(
  test,
  async () => {
    const disk = memoryDisk(chance);
    return { open: async (time) => memoryStore({ disk, ...(time && { time }) }) };
  },
  { shared: true },
);
