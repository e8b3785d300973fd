const codeOf = (error: unknown): string => String((error as { readonly code?: unknown } | null)?.code);

/** Another connection holds the database: nothing was begun. */
export const isBusy = (error: unknown): boolean => /^SQLITE_(?:BUSY|LOCKED)/.test(codeOf(error));

/** The database is asked for what its rules forbid. */
export const isConstraint = (error: unknown): boolean => codeOf(error).startsWith('SQLITE_CONSTRAINT');

/** The fence's own table is not there. */
export const isUnprepared = (error: unknown): boolean =>
  error instanceof Error && /no such table: (?:main\.)?concordat_fence$/.test(error.message);
