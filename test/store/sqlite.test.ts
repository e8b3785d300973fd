import test from 'ava';
import { openSqliteStore } from '../../coordinator/store/sqlite/store.js';
import { storeContract } from '../contracts/store.js';
import { chance } from './sample.js';
import { tempFile } from './sqlite-disk.js';

storeContract(
  test,
  async (t) => {
    const path = await tempFile(t);
    return { open: (time) => openSqliteStore({ path, chance, ...(time && { time }) }) };
  },
  { shared: true },
);
