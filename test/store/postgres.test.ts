/** What every store promises, on a real PostgreSQL. */
import test from 'ava';
import { openPostgresStore } from '../../coordinator/store/postgres/store.js';
import { storeContract } from '../contracts/store.js';
import { withPostgres } from '../helpers/with-postgres.js';
import { tempDatabase } from './postgres-disk.js';
import { chance } from './sample.js';

withPostgres((server) => {
  storeContract(
    test,
    async (t) => {
      const url = await tempDatabase(t, server);
      return { open: (time) => openPostgresStore({ url, chance, ...(time && { time }) }) };
    },
    { shared: true },
  );
});
