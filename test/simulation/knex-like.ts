/** As much of knex as the contract of the fence asks of a database, over one in memory. Tables: `effects`, `concordat_fence`. */
import type { Knex } from 'knex';
import type { FenceRow } from '../../sdk/resources/fence/table.js';
import { Connection, Disk, type Transaction } from './database.js';

interface Row {
  readonly [column: string]: unknown;
}

/** A database of its own, and the way to it. */
export function openMemory(): { readonly connection: Connection; readonly db: Knex; readonly beside: () => Knex } {
  const disk = new Disk();
  const connection = new Connection(disk);
  return { connection, db: knexLike(connection), beside: () => knexLike(new Connection(disk)) };
}

/** What handlers of the contract are given as their transaction. */
export const handleOf = (transaction: Transaction): Knex.Transaction =>
  tablesOf(transaction) as unknown as Knex.Transaction;

const knexLike = (connection: Connection): Knex => {
  const table = (name: string) => new Query(connection.disk, name, undefined);
  const transaction = async () => {
    const open = await connection.begin();
    return Object.assign(tablesOf(open), { rollback: async () => open.rollback() });
  };
  return Object.assign(table, { transaction }) as unknown as Knex;
};

const tablesOf = (transaction: Transaction) => (name: string) => new Query(transaction.disk, name, transaction);

/** One query. Only what the contract asks. */
class Query {
  readonly #disk: Disk;
  readonly #name: string;
  readonly #transaction: Transaction | undefined;
  #order: string | undefined;

  constructor(disk: Disk, name: string, transaction: Transaction | undefined) {
    this.#disk = disk;
    this.#name = name;
    this.#transaction = transaction;
  }

  orderBy(column: string): this {
    this.#order = column;
    return this;
  }

  async pluck(column: string): Promise<readonly unknown[]> {
    return this.#rows().map((row) => row[column]);
  }

  async select(): Promise<readonly Row[]> {
    return this.#rows();
  }

  async insert({ effect }: { readonly effect: string }): Promise<void> {
    this.#transaction?.write(this.#disk.cells, effect, this.#disk.cells.size + 1);
  }

  async update({ at }: { readonly at: number }): Promise<void> {
    for (const [key, row] of this.#disk.fence)
      this.#transaction?.write<FenceRow>(this.#disk.fence, key, { ...row, at });
  }

  /** Takes away fence rows of a transaction and phase. */
  where({ xid, phase }: { readonly xid: string; readonly phase: number }): { readonly del: () => Promise<void> } {
    const { fence } = this.#disk;
    const isMeant = (key: string): boolean => key.includes(`\n${xid}\n`) && key.endsWith(`\n${phase}`);
    return {
      del: async () => {
        for (const key of [...fence.keys()].filter(isMeant)) fence.delete(key);
      },
    };
  }

  #rows(): readonly Row[] {
    const { fence, cells } = this.#disk;
    const rows =
      this.#name === 'effects'
        ? [...cells].map(([effect, id]) => ({ effect, id }))
        : [...fence].map(([key, row]) => ({ xid: key.split('\n')[1], ...row }));
    const by = this.#order ?? (this.#name === 'effects' ? 'id' : 'xid');
    return rows.sort((one: Row, other: Row) => (String(one[by]) < String(other[by]) ? -1 : 1));
  }
}
