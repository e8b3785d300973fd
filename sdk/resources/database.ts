import type { Knex } from 'knex';

/** A participant's own database, as knex opened it. Types only: importing this loads neither knex nor a driver. */
export type Database = Knex;

/** A transaction that is open on it. */
export type OpenTransaction = Knex.Transaction;
