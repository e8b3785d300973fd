import type { Knex } from 'knex';
import type { migrations as sqliteMigrations } from '../../migrations/migrations.js';
import * as log from './001-log.js';
import * as instances from './002-instances.js';
import * as logInOrder from './003-log-in-order.js';
import * as participants from './004-participants.js';
import * as audit from './005-audit.js';
import * as tombstones from './006-tombstones.js';

export type StepName = (typeof sqliteMigrations)[number]['name'];

/** Every step from an empty database to the current one, by the numbers and names that SQLite's have. A step that was released never changes. */
export const migrations = [
  { name: '001-log', ...log },
  { name: '002-instances', ...instances },
  { name: '003-log-in-order', ...logInOrder },
  { name: '004-participants', ...participants },
  { name: '005-audit', ...audit },
  { name: '006-tombstones', ...tombstones },
] as const satisfies readonly (Knex.Migration & { name: StepName })[];

export const schemaVersion = migrations.length;

type Step = (typeof migrations)[number];

export const migrationSource: Knex.MigrationSource<Step> = {
  getMigrations: async () => [...migrations],
  getMigrationName: (step) => step.name,
  getMigration: async (step) => step,
};
