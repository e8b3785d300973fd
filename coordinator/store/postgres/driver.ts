import type * as Pg from 'pg';
import { StoreError } from '../store.js';

/** The driver as a value, so that a service on another database never needs to have it. */
export type Driver = Pick<typeof Pg, 'Client' | 'types'>;

export async function loadDriver(load = async (): Promise<Driver> => (await import('pg')).default): Promise<Driver> {
  try {
    return await load();
  } catch (error) {
    throw new StoreError(
      'broken',
      'the PostgreSQL store needs the package pg, which is not installed: run "npm install pg"',
      error,
    );
  }
}
