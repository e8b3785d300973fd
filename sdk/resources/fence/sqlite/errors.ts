const codeOf = (error: unknown): string => String((error as { readonly code?: unknown } | null)?.code ?? '');

/** Another connection holds the database: nothing was begun. */
export const isBusy = (error: unknown): boolean => /^SQLITE_(?:BUSY|LOCKED)/.test(codeOf(error));

/** The database is asked for what its rules forbid. */
export const isConstraint = (error: unknown): boolean => codeOf(error).startsWith('SQLITE_CONSTRAINT');

/** A table or column that is not there. */
export const isMissing = (error: unknown): boolean => error instanceof Error && /no such table/.test(error.message);

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
