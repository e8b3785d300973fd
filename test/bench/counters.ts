/** What the store did: as the coordinator counts it, and as its file shows it to anybody. */
import knexFactory from 'knex';
import { withFile } from './file.js';
import { nameOf, type Variant } from './work.js';

/** Totals since the coordinator's start. */
export interface Counters {
  readonly groups: number;
  readonly appends: number;
  readonly statements: number;
  readonly rowsWritten: number;
}

/** `GET /v1/stats` as far as it tells of the store; undefined while it does not. */
export async function readCounters(coordinatorUrl: string): Promise<Counters | undefined> {
  const response = await fetch(`${coordinatorUrl}/v1/stats`);
  if (response.status !== 200) return undefined;
  return ((await response.json()) as { store?: Counters }).store;
}

/** How many rows there are of each transaction of a variant. */
export interface PerTransaction {
  readonly mean: number;
  readonly max: number;
}

const perTransaction = (store: string, table: string, variant: Variant): Promise<PerTransaction> =>
  store.startsWith('postgres:') ? inPostgres(store, table, variant) : inFile(store, table, variant);

/** Rows that are written are counted in a file alone. */
async function inPostgres(store: string, table: string, variant: Variant): Promise<PerTransaction> {
  if (table !== 'log') return { mean: Number.NaN, max: Number.NaN };
  const db = knexFactory({ client: 'pg', connection: store });
  const counts = `
    select count(*) as rows from concordat.log
    where xid in (select xid from concordat.transactions where name = ?) group by xid`;
  const { rows } = await db.raw(`select avg(rows)::float as mean, max(rows)::float as max from (${counts}) as counts`, [
    nameOf(variant),
  ]);
  await db.destroy();
  return rows[0];
}

const inFile = (store: string, table: string, variant: Variant): Promise<PerTransaction> =>
  withFile(fileOf(store), async (ask) => {
    const counts = `
      select count(*) as rows from ${table}
      where xid in (select xid from transactions where name = ?) group by xid`;
    const [found] = await ask(`select avg(rows) as mean, max(rows) as max from (${counts})`, [nameOf(variant)]);
    return found as PerTransaction;
  });

/** The appends of each transaction. Each was waited for before the next was made. */
export const readWaits = (store: string, variant: Variant): Promise<PerTransaction> =>
  perTransaction(store, 'log', variant);

/** From now on notes every row that is written of any transaction: each insert, update and delete. */
export const noteWrites = async (store: string): Promise<void> => {
  if (store.startsWith('sqlite:')) await noteWritesIn(fileOf(store));
};

const fileOf = (store: string): string => store.slice('sqlite:'.length);

const noteWritesIn = (file: string): Promise<void> =>
  withFile(file, async (ask) => {
    const tables = (await ask(`
      select t.name from sqlite_master t join pragma_table_info(t.name) c
      where t.type = 'table' and c.name = 'xid'`)) as readonly { name: string }[];
    await ask('create table bench_writes (xid text not null)');
    for (const { name } of tables) {
      for (const [verb, row] of [
        ['insert', 'new'],
        ['update', 'new'],
        ['delete', 'old'],
      ] as const) {
        await ask(`
          create trigger bench_${name}_${verb} after ${verb} on ${name}
          begin insert into bench_writes values (${row}.xid); end`);
      }
    }
  });

/** The writes of each transaction since {@link noteWrites}. */
export const readWrites = (store: string, variant: Variant): Promise<PerTransaction> =>
  perTransaction(store, 'bench_writes', variant);
