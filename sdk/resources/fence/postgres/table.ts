import type { Database, OpenTransaction } from '../../database.js';
import { checkColumns, toldOf } from '../made.js';
import type { FenceTable, Place, Visit, Visitor } from '../table.js';
import { type RawConnection, run, runAll } from './connection.js';
import { isUnprepared } from './errors.js';
import { visitIn } from './joined.js';
import { schema } from './statements.js';
import { type VisitLimits, visitAlone, visitLimits } from './visit.js';

/** The fence's table in a PostgreSQL database that knex opened with the driver `pg`. */
export function postgresFenceTable(
  db: Database,
  { limits = {} }: { readonly limits?: Partial<VisitLimits> } = {},
): FenceTable {
  const all = { ...visitLimits, ...limits };
  return {
    prepare: () => withConnection(db, prepare),
    visit: <T>(place: Place, visitor: Visitor<T>): Promise<T> => told(visitAlone(db, all, place, visitor)),
    clean: (origin, before, rowsMax) =>
      withConnection(db, async (raw) => (await run(raw, 'clean', [origin, before, rowsMax])).rowCount ?? 0),
  };
}

/** A visit inside a transaction that the caller began and commits. What is undone is undone to a savepoint. */
export const visitPostgresIn =
  (trx: OpenTransaction): Visit =>
  (place, visitor) =>
    told(visitIn(trx, visitLimits.lockWaitMs, place, visitor));

const told = toldOf(isUnprepared);

async function prepare(raw: RawConnection): Promise<void> {
  // Who may not make tables can use one that somebody else made.
  let there = await columnsThere(raw);
  if (there.length === 0) {
    await make(raw);
    there = await columnsThere(raw);
  }
  checkColumns(there);
}

/** `if not exists` alone does not keep two that make it at once from failing. One text is one transaction. */
const make = (raw: RawConnection): Promise<unknown> =>
  runAll(raw, [`select pg_advisory_xact_lock(hashtextextended('concordat_fence', 0))`, ...schema].join(';\n'));

async function columnsThere(raw: RawConnection): Promise<readonly string[]> {
  const [answer] = await runAll(
    raw,
    `select attname::text as name from pg_attribute
     where attrelid = to_regclass('concordat_fence') and attnum > 0 and not attisdropped`,
  );
  return (answer?.rows ?? []).map(({ name }) => String(name));
}

async function withConnection<T>(db: Database, work: (raw: RawConnection) => Promise<T>): Promise<T> {
  const raw: RawConnection = await db.client.acquireConnection();
  try {
    return await work(raw);
  } finally {
    await db.client.releaseConnection(raw);
  }
}
