import { type StatementName, statements } from './statements.js';

export interface Answered {
  readonly command: string | null;
  readonly rowCount: number | null;
  readonly rows: readonly Readonly<Record<string, unknown>>[];
}

export type QueryCallback = (error: Error | null, result: unknown) => void;

/** What is used of a connection of the driver `pg`. */
export interface RawConnection {
  readonly processID?: number | null;
  query(text: string, values: readonly unknown[], callback: QueryCallback): unknown;
  query(config: object, callback: QueryCallback): unknown;
}

/** Runs one of the fence's own statements. */
export const run = async (raw: RawConnection, name: StatementName, values: readonly unknown[]): Promise<Answered> =>
  (await send(raw, statements[name], values)) as Answered;

/** Runs several statements in one text. */
export const runAll = async (raw: RawConnection, text: string): Promise<readonly Answered[]> => {
  const answers = await send(raw, text, []);
  return Array.isArray(answers) ? answers : [answers as Answered];
};

/** Past knex, so that what a user set up there for their own answers does not change those of the fence. */
const send = (raw: RawConnection, text: string, values: readonly unknown[]): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const callback: QueryCallback = (error, result) => (error ? reject(error) : resolve(result));
    // Without values it may be several statements.
    if (values.length === 0) raw.query({ text }, callback);
    else raw.query(text, values, callback);
  });
