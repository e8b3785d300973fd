/** Whether the table of the fence was made, and is the fence's: the same words for every database. */

const columns = ['origin', 'xid', 'branch', 'phase', 'op', 'outcome', 'result', 'at'] as const;

/** Throws for a table of that name that somebody else made. `there`: its columns. */
export function checkColumns(there: readonly unknown[]): void {
  const missing = columns.filter((column) => !there.includes(column));
  if (missing.length === 0) return;
  throw new Error(
    `expected the table concordat_fence to be the fence's, got one without ${missing.join(', ')}: rename or drop it`,
  );
}

/** Says what to do about a table that was not made; `isUnprepared` knows the database's own error. */
export const toldOf =
  (isUnprepared: (error: unknown) => boolean) =>
  async <T>(visit: Promise<T>): Promise<T> => {
    try {
      return await visit;
    } catch (error) {
      if (!isUnprepared(error)) throw error;
      throw new Error('the database has no table concordat_fence: call prepareFence(knex) at start', { cause: error });
    }
  };
