import test from 'ava';
import { type Postgres, postgresBinaries, postgresMissing, startPostgres } from './postgres.js';

/** Declares tests that share one server, which is there once they run. Left out, with a note, where none is installed. */
export function withPostgres(
  declare: (server: Postgres) => void,
  settings: Readonly<Record<string, string>> = {},
): void {
  if (!postgresBinaries()) {
    test.skip(postgresMissing, () => undefined);
    return;
  }
  const server = {} as Postgres;
  test.before(async () => void Object.assign(server, await startPostgres(settings)));
  test.after.always(() => server.stop?.());
  declare(server);
}
