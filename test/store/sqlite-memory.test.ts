import test from 'ava';
import { openSqliteStore } from '../../coordinator/store/sqlite/store.js';
import { storeContract } from '../contracts/store.js';
import { chance } from './sample.js';

storeContract(
  test,
  async () => ({ open: (time) => openSqliteStore({ path: ':memory:', chance, ...(time && { time }) }) }),
  { shared: false },
);

test('H9 a store in memory is on no file system that could be refused', async (t) => {
  const store = await openSqliteStore({ path: ':memory:', chance, fileSystemType: async () => 0x6969 });
  await t.notThrowsAsync(store.close());
});
