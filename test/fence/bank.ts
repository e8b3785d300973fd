/** A participant on a real SQLite file, behind an executor: what its handlers did is in the table `effects`. */
import path from 'node:path';
import knexFactory, { type Knex } from 'knex';
import type { Branch, Settle } from '../../sdk/participant/branch.js';
import { type Clock, systemClock } from '../../sdk/participant/clock.js';
import type { Answer, Received } from '../../sdk/participant/command.js';
import { createExecutor, type Executor, type ExecutorOptions } from '../../sdk/participant/execute.js';
import type { Handler, Work } from '../../sdk/participant/handler.js';
import type { ForwardFact } from '../../sdk/protocol/commands.js';
import type { Xid } from '../../sdk/protocol/ids.js';
import type { Json } from '../../sdk/protocol/json.js';
import type { Kind, Op } from '../../sdk/protocol/kinds.js';
import { temporary } from '../helpers/temporary.js';

export interface Teardown {
  teardown(fn: () => unknown): void;
}

export const origin = 'origin-1';

/** A file with a table for effects and one for money. */
export async function openBank(t: Teardown, file?: string): Promise<Knex> {
  const db = connect(file ?? path.join(await temporary(t), 'bank.db'));
  t.teardown(() => db.destroy());
  await db.raw('create table if not exists effects (id integer primary key, effect text not null)');
  return db;
}

/** Another connection to a file, as a process beside it would have. */
export const connect = (
  filename: string,
  pragmas = 'pragma synchronous = full; pragma busy_timeout = 100',
  journal = 'wal',
): Knex =>
  knexFactory({
    client: 'sqlite3',
    connection: { filename },
    useNullAsDefault: true,
    log: { warn: () => undefined, error: () => undefined, deprecate: () => undefined, debug: () => undefined },
    pool: {
      min: 1,
      max: 1,
      afterCreate: (
        raw: { exec(sql: string, done: (error: Error | null) => void): void },
        done: (e: Error | null, raw: unknown) => void,
      ) => raw.exec(`pragma journal_mode = ${journal}; ${pragmas}`, (error) => done(error, raw)),
    },
  });

export const fileOf = (db: Knex): string => db.client.connectionSettings.filename;

export const effects = async (db: Knex): Promise<readonly string[]> => db('effects').orderBy('id').pluck('effect');

export const rows = async (db: Knex): Promise<readonly unknown[]> =>
  db('concordat_fence').select('xid', 'phase', 'op', 'outcome').orderBy(['xid', 'branch', 'phase']);

/** Writes down what was done for whom. */
export const effect = async (tx: Branch, word: string): Promise<void> =>
  void (await tx.db('effects').insert({ effect: `${word} ${tx.xid}.${tx.branch}` }));

type SagaWork = (input: Json, tx: Settle<Json | undefined>) => Promise<unknown>;

export interface Works {
  readonly forward?: SagaWork;
  readonly commit?: SagaWork;
  readonly rollback?: SagaWork;
}

const usual: Required<Works> = {
  forward: async (input, tx) => {
    await effect(tx, 'do');
    return input;
  },
  commit: (_input, tx) => effect(tx, 'confirm'),
  rollback: (_input, tx) => effect(tx, 'undo'),
};

export const handlerOf = (kind: Kind, works: Works = {}, options: Partial<Handler> = {}): Handler => ({
  kind,
  fence: 'database',
  runMs: 1000,
  ...({ ...usual, ...works } as Record<string, Work>),
  ...options,
});

export interface Bank {
  readonly db: Knex;
  readonly executor: Executor;
  send(op: Op, command?: Sent): Promise<Answer>;
}

export interface Sent {
  readonly origin?: string;
  readonly xid?: string;
  readonly branch?: number;
  readonly handler?: string;
  readonly input?: Json;
  readonly output?: Json;
  readonly forward?: ForwardFact;
  readonly expiresAt?: number;
  readonly attempt?: number;
}

export interface BankOptions {
  readonly db?: Knex;
  readonly clock?: Clock;
  readonly around?: ExecutorOptions['around'];
  readonly keepMs?: number;
}

/** Handlers by name; `saga` and `tcc` are there. */
export async function startBank(
  t: Teardown,
  handlers: Readonly<Record<string, Handler>> = {},
  options: BankOptions = {},
): Promise<Bank> {
  const db = options.db ?? (await openBank(t));
  const all = { saga: handlerOf('saga'), tcc: handlerOf('tcc'), ...handlers };
  const executor = createExecutor({
    definitions: [
      { name: 'bank', db, resourceGroup: undefined, handlers: new Map(Object.entries(all)), checks: new Map() },
    ],
    clock: options.clock ?? systemClock,
    log: { warn: () => undefined },
    ...(options.around && { around: options.around }),
    ...(options.keepMs && { keepMs: options.keepMs }),
  });
  await executor.prepare();
  return { db, executor, send: (op, sent) => executor.execute(received(op, sent)) };
}

export function received(op: Op, sent: Sent = {}): Received {
  const { xid = 'x1', branch = 1, handler = handlerFor(op), input = {}, output, forward, attempt = 1 } = sent;
  return {
    origin: sent.origin ?? origin,
    participant: 'bank',
    handler,
    body: {
      xid: xid as Xid,
      branch,
      id: 'step',
      op,
      input,
      ...(output !== undefined && { output }),
      ...(forward && { forward }),
    },
    attempt,
    expiresAt: sent.expiresAt ?? Number.POSITIVE_INFINITY,
    token: 'token',
  };
}

const handlerFor = (op: Op): string => (op === 'action' || op === 'compensate' ? 'saga' : 'tcc');

/** In a word, for comparisons. */
export const word = (answer: Answer): string => {
  switch (answer.kind) {
    case 'refused':
      return `refused ${answer.code ?? answer.reason}`;
    case 'pending':
      return answer.running ? 'running' : 'pending';
    case 'checked':
      return answer.decision;
    case 'done':
      return 'done';
  }
};

/** Something to wait for, and the word to go on. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
}
