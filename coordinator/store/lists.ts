/** Pages and counts of the SQL stores: one code for all databases, in knex. */
import type { Knex } from 'knex';
import type { TransactionStatus } from '../../sdk/protocol/views.js';
import { auditPageOf, beforeOf, toAuditRow } from './audit.js';
import { fromCursor, toCursor } from './cursor.js';
import { type Row, toSummary } from './rows.js';
import type { AuditFilter, AuditPage, ListFilter, Page } from './store.js';

/** What differs between databases. */
export interface ListDialect {
  /** A query on one of the store's tables. */
  readonly from: (db: Knex, table: 'transactions' | 'audit') => Knex.QueryBuilder<Row, Row[]>;
  /** A text as it is stored. */
  readonly stored: (text: string) => string;
  /** A summary row with its texts as they were given. */
  readonly readable: (row: Row) => Row;
  /** Whether `participants` has the one name that is bound. */
  readonly takesPart: string;
}

export interface Lists {
  /** One page of summaries, newest first: by the time of opening, then by xid, both of which never change. */
  summaries(db: Knex, filter: ListFilter): Promise<Page>;
  /** By walks over an index alone: cheap for what is unfinished, and in the order of what there is for the rest. */
  counts(db: Knex, statuses: readonly TransactionStatus[]): Promise<ReadonlyMap<TransactionStatus, number>>;
  /** One page of records, newest first. */
  audit(db: Knex, filter: AuditFilter): Promise<AuditPage>;
}

export const listsIn = (dialect: ListDialect): Lists => ({
  async summaries(db, filter) {
    const rows = await pageQuery(dialect, db, filter);
    const items = rows.slice(0, filter.limit).map((row) => toSummary(dialect.readable(row)));
    const last = items.at(-1);
    return { items, nextCursor: rows.length > filter.limit && last ? toCursor(last) : null };
  },

  async counts(db, statuses) {
    const query = dialect.from(db, 'transactions').whereIn('status', statuses).groupBy('status');
    const rows: readonly Row[] = await query.select('status').count('* as count');
    return new Map(rows.map(({ status, count }) => [status as TransactionStatus, Number(count)]));
  },

  async audit(db, filter) {
    const { xid, by, participant, limit } = filter;
    const query = dialect.from(db, 'audit').where('position', '<', beforeOf(filter));
    if (xid !== undefined) query.where('xid', xid);
    if (by !== undefined) query.where('by_key', by);
    if (participant !== undefined) query.where('participant', participant);
    const rows: readonly Row[] = await query.orderBy('position', 'desc').limit(limit + 1);
    return auditPageOf(rows.map(toAuditRow), limit);
  },
});

/** Fetches one more than asked for, to know whether there is a next page. */
function pageQuery(dialect: ListDialect, db: Knex, filter: ListFilter): Knex.QueryBuilder<Row, Row[]> {
  const statuses = [...new Set(filter.statuses)];
  if (statuses.length <= 1) return branch(dialect, db, filter, statuses[0]);
  // Each status is a walk down its own index that ends after a page; together they are merged.
  const walks = statuses.map((status) => db.select('*').from(branch(dialect, db, filter, status).as(status)));
  return newest(db.select('*').from(db.unionAll(walks).as('walks')), filter);
}

function branch(
  { from, stored, takesPart }: ListDialect,
  db: Knex,
  filter: ListFilter,
  status: string | undefined,
): Knex.QueryBuilder<Row, Row[]> {
  const query = from(db, 'transactions');
  if (status !== undefined) query.where('status', status);
  if (filter.name !== undefined) query.where('name', stored(filter.name));
  if (filter.businessKey !== undefined) query.where('business_key', stored(filter.businessKey));
  if (filter.openedAfter !== undefined) query.where('opened_at', '>', filter.openedAfter);
  if (filter.openedBefore !== undefined) query.where('opened_at', '<', filter.openedBefore);
  if (filter.participant !== undefined) query.whereRaw(takesPart, [filter.participant]);
  if (filter.cursor !== undefined) {
    const { openedAt, xid } = fromCursor(filter.cursor);
    query.whereRaw('(opened_at, xid) < (?, ?)', [openedAt, xid]);
  }
  return newest(query, filter);
}

const newest = (query: Knex.QueryBuilder, { limit }: ListFilter): Knex.QueryBuilder<Row, Row[]> =>
  query
    .orderBy([
      { column: 'opened_at', order: 'desc' },
      { column: 'xid', order: 'desc' },
    ])
    .limit(limit + 1);
