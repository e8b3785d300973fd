import type { Knex } from 'knex';
import type { TransactionStatus } from '../../../sdk/protocol/views.js';
import { fromCursor, toCursor } from '../cursor.js';
import { type Row, toSummary } from '../rows.js';
import type { ListFilter, Page } from '../store.js';
import { schema } from './statements.js';
import { readable } from './tail.js';
import { toText } from './text.js';

/** One page of summaries, newest first: by the time of opening, then by xid, both of which never change. */
export async function listSummaries(db: Knex, filter: ListFilter): Promise<Page> {
  const rows = await pageQuery(db, filter);
  const items = rows.slice(0, filter.limit).map((row) => toSummary(readable(row)));
  const last = items.at(-1);
  return { items, nextCursor: rows.length > filter.limit && last ? toCursor(last) : null };
}

/** By walks over an index alone: cheap for what is unfinished, and in the order of what there is for the rest. */
export async function countByStatus(
  db: Knex,
  statuses: readonly TransactionStatus[],
): Promise<ReadonlyMap<TransactionStatus, number>> {
  const rows = await db
    .withSchema(schema)
    .from('transactions')
    .whereIn('status', statuses)
    .groupBy('status')
    .select('status')
    .count('* as count');
  return new Map(rows.map(({ status, count }) => [status as TransactionStatus, Number(count)]));
}

/** Fetches one more than asked for, to know whether there is a next page. */
function pageQuery(db: Knex, filter: ListFilter): Knex.QueryBuilder<Row, Row[]> {
  const statuses = [...new Set(filter.statuses)];
  if (statuses.length <= 1) return branch(db, filter, statuses[0]);
  // Each status is a walk down its own index that ends after a page; together they are merged.
  const walks = statuses.map((status) => db.select('*').from(branch(db, filter, status).as(status)));
  return newest(db.select('*').from(db.unionAll(walks).as('walks')), filter);
}

function branch(db: Knex, filter: ListFilter, status: string | undefined): Knex.QueryBuilder<Row, Row[]> {
  const query = db.withSchema(schema).from<Row, Row[]>('transactions');
  if (status !== undefined) query.where('status', status);
  if (filter.name !== undefined) query.where('name', toText(filter.name));
  if (filter.businessKey !== undefined) query.where('business_key', toText(filter.businessKey));
  if (filter.openedAfter !== undefined) query.where('opened_at', '>', filter.openedAfter);
  if (filter.openedBefore !== undefined) query.where('opened_at', '<', filter.openedBefore);
  if (filter.participant !== undefined) {
    query.whereRaw(
      'exists (select 1 from json_array_elements_text(participants::json) as each (participant) where participant = ?)',
      [filter.participant],
    );
  }
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
