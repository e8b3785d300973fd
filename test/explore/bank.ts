/** Small services for sagas of one or two steps: an account, and a place outside of every database of theirs. */
import type { Knex } from 'knex';
import type { Client } from '../../sdk/client/client.js';
import { type Handler, participant } from '../../sdk/index.js';
import { type ExploreOptions, examine, type Failure } from '../../sdk/testing.js';
import { memory } from './shop.js';

export interface Bank {
  readonly db: Knex;
  /** Belongs to no participant. */
  readonly elsewhere: Knex;
  readonly participants: readonly object[];
  readonly databases: { readonly elsewhere: Knex };
  close(): Promise<unknown>;
}

export interface Amount {
  readonly cents: number;
}

/** Handlers of the participant `bank`, made for the databases of a case. */
export type Handlers = (parts: Pick<Bank, 'db' | 'elsewhere'>) => Readonly<Record<string, Handler>>;

export const openBank = (handlers: Handlers) => async (): Promise<Bank> => {
  const db = await memory(
    'create table accounts (owner text primary key, cents integer, held integer default 0)',
    "insert into accounts (owner, cents) values ('ann', 5000)",
  );
  const elsewhere = await memory(
    'create table calls (key text, cents integer)',
    'create table voids (key text primary key)',
  );
  return {
    db,
    elsewhere,
    participants: [participant({ name: 'bank', db, handlers: handlers({ db, elsewhere }) })],
    databases: { elsewhere },
    close: () => Promise.all([db.destroy(), elsewhere.destroy()]),
  };
};

/** A saga that calls these handlers of the bank, one after the other. */
export const calling =
  (...names: readonly string[]) =>
  (client: Client): Promise<unknown> =>
    client.run('pay', async () => {
      for (const handler of names) await client.call({ participant: 'bank', handler }, { cents: 900 });
    });

/** What is found in a saga of these handlers, in their order. */
export async function failuresOf(
  handlers: Handlers,
  options: Omit<ExploreOptions<Bank>, 'participants'> = {},
): Promise<readonly Failure[]> {
  const names = Object.keys(handlers({} as Bank));
  return (await examine(calling(...names), { pairsMax: 0, ...options, participants: openBank(handlers) })).failures;
}

/** `kind: where`, and how many troubles it takes. */
export const summaries = (failures: readonly Failure[]): readonly string[] =>
  failures.map(({ kind, where, trouble }) => `${kind}: ${where ?? '-'} (${trouble})`);
