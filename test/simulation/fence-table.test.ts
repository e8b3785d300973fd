import { fenceTableContract } from '../contracts/fence.js';
import { memoryFenceTable } from './fence-table.js';
import { handleOf, openMemory } from './knex-like.js';

fenceTableContract('memory', async () => {
  const { connection, db, beside } = openMemory();
  return { table: memoryFenceTable(connection, handleOf), db, beside };
});
