/** Brings a store up to date, and is killed before a step. */
import { upgradeSqliteStore } from '../../coordinator/store/sqlite/upgrade.js';
import { chance } from '../store/sample.js';

const [path = '', last] = process.argv.slice(2);
await upgradeSqliteStore(path, chance, (name) => {
  if (name === last) process.kill(process.pid, 'SIGKILL');
});
