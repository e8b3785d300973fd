/** Brings a store up to date, tells its parent of each step, and goes on when it is told to: `ADDRESS`. */
import { writeSync } from 'node:fs';
import { upgradePostgresStore } from '../../coordinator/store/postgres/upgrade.js';
import { chance } from './sample.js';

const [url = '', killAt] = process.argv.slice(2);

await upgradePostgresStore(url, chance, (name) => {
  writeSync(1, `${name}\n`);
  if (name === killAt) process.kill(process.pid, 'SIGKILL');
});
