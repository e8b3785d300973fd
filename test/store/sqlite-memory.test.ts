import test from 'ava';
import { openSqliteStore } from '../../coordinator/store/sqlite/store.js';
import { storeContract } from '../contracts/store.js';
import { chance } from './sample.js';

storeContract(
  test,
  async () => ({ open: (time) => openSqliteStore({ path: ':memory:', chance, ...(time && { time }) }) }),
  { shared: false },
);
