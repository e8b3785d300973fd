/** A client: the coordinator's requests, and what leans on them. */
import { call } from './call.js';
import type { CallTarget, LoneCallOptions } from './call-types.js';
import { type Caller, type Calls, callsOver } from './calls.js';
import type { CurrentTransaction } from './context.js';
import { type Ambient, fromEnvironment, systemAmbient } from './environment.js';
import { type Exchange, exchangeWith } from './exchange.js';
import { onlyKnown, shown } from './options.js';
import { patience } from './patience.js';
import { type Remote, type RemoteOptions, remoteOf } from './remote.js';
import { type Body, checkRunOptions, type RunOptions, run, runNew } from './run.js';

export type { Filter, LateOutcome, OpenOptions, Plan, TransactionPage, Wait } from './calls.js';

export interface ConnectOptions {
  /** Default: `CONCORDAT_URL`, else `http://127.0.0.1:8090`. */
  readonly url?: string;
  /** Default: `CONCORDAT_API_KEY`. */
  readonly apiKey?: string;
  /**
   * How long a request without an answer is sent again, so that a coordinator may restart meanwhile: 30 s by default. One
   * that never answered is given up after 1.5 s.
   */
  readonly patienceMs?: number;
}

/** Options of what runs inside a transaction in any case. */
export interface RunInside extends RunOptions {
  readonly propagation?: 'required' | 'requiresNew' | 'mandatory';
}

/** Talks to a coordinator. Everything rejects with ConcordatError or NoCoordinator; a lost answer is asked for again. */
export interface Client extends Calls {
  /**
   * Runs `body` as a transaction of this name: committed when it returns, rolled back when it throws. Calls of remotes in
   * it are its branches. Rejects with what `body` threw, once that is rolled back; with RolledBack when a mark, the
   * deadline or an uncertain branch turned its end into a rollback; with Uncertain when nobody says what the end was.
   */
  run<T>(nameOrOptions: string | RunInside, body: (transaction: CurrentTransaction) => Promise<T>): Promise<T>;
  /** The same at any level; `body` is given no transaction where the level runs it without one. */
  run<T>(options: RunOptions, body: Body<T>): Promise<T>;
  /**
   * A participant as an object with its forward methods: `T` is its class or a plain interface. Inside a transaction a
   * call adds a branch and waits for its outcome; outside it is a transaction of one branch.
   */
  remote<T>(participant: string, options?: RemoteOptions): Remote<T>;
  /** The same as one call, for what a method cannot say: an id of the branch, the address of a service without the SDK. */
  call<Output = unknown>(target: CallTarget, input?: unknown, options?: LoneCallOptions): Promise<Output>;
}

/** A client of the coordinator at `url`. Connects when it is first used. Throws TypeError when an option is wrong. */
export function connect(options: ConnectOptions = {}): Client {
  onlyKnown(options, ['url', 'apiKey', 'patienceMs'], 'connect');
  const environment = fromEnvironment();
  const { url = environment.url, apiKey = environment.apiKey } = options;
  const { patienceMs: knownMs = patience.knownMs } = options;
  if (typeof knownMs !== 'number' || !(knownMs >= 0))
    throw new TypeError(`patienceMs: expected ms from 0, got ${shown(knownMs)}`);
  const strangerMs = Math.min(patience.strangerMs, knownMs);
  return clientOver(exchangeWith(url, { apiKey, patience: { strangerMs, knownMs } }));
}

/** A client whose requests go through `exchange`, whatever stands behind it. */
export function clientOver(exchange: Exchange, ambient: Ambient = systemAmbient): Client {
  const calls = callsOver(exchange, ambient);
  const caller: Caller = { calls, ambient, embedded: exchange.isEmbedded ? exchange : undefined };
  const callOne = <Output>(target: CallTarget, input: unknown, options: LoneCallOptions = {}): Promise<Output> =>
    // What a participant answers has the type that its caller says it has.
    call(caller, target, input, options) as Promise<Output>;
  const client: Client = {
    ...calls,
    // Where `body` may be given no transaction, its type says so.
    run: <T>(nameOrOptions: string | RunOptions, body: (transaction: never) => Promise<T>) =>
      runAs(caller, nameOrOptions, body as Body<T>),
    remote: <T>(participant: string, options: RemoteOptions = {}) =>
      remoteOf(participant, onlyKnown(options, remoteOptions, 'remote'), client, callOne) as Remote<T>,
    call: <Output>(target: CallTarget, input: unknown, options: LoneCallOptions = {}) =>
      callOne<Output>(checkTarget(target), input, onlyKnown(options, callOptions, 'call')),
  };
  return client;
}

const remoteOptions = ['retry', 'timeoutMs'] as const satisfies readonly (keyof RemoteOptions)[];
const callOptions = ['id', 'xid', 'deadlineMs', ...remoteOptions] as const satisfies readonly (keyof LoneCallOptions)[];

function checkTarget(target: CallTarget): CallTarget {
  if (typeof target === 'object' && target !== null) return target;
  throw new TypeError(`call: expected { participant, handler } or { url, kind }, got ${shown(target)}`);
}

async function runAs<T>(caller: Caller, nameOrOptions: string | RunOptions, body: Body<T>): Promise<T> {
  const options = typeof nameOrOptions === 'string' ? { name: nameOrOptions } : nameOrOptions;
  checkRunOptions(options, 'run');
  if (options.name === undefined) throw new TypeError('run: expected the name of the transaction, got none');
  if (typeof body !== 'function')
    throw new TypeError(`run '${options.name}': expected the code of the transaction, a function; got ${shown(body)}`);
  return run((opening, work) => runNew(caller, opening, work), options, body, caller.embedded);
}
