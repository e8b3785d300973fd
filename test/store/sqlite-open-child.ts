/** Opens the store at the given path and says who it is, or is killed while the store is being made. */
import { openSqliteStore } from '../../coordinator/store/sqlite/store.js';
import { chance } from './sample.js';

const [path = '', mode] = process.argv.slice(2);

const killed = (): never => {
  process.kill(process.pid, 'SIGKILL');
  for (;;);
};

// Ids are drawn inside the transaction of the migration.
const store = await openSqliteStore({ path, chance: mode === 'die' ? { ...chance, id: killed } : chance }).catch(
  (error: Error) => ({ identity: { error: error.message }, close: () => undefined }),
);
process.send?.(store.identity);
await store.close();
process.disconnect();
