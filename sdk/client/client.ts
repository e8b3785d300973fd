import { limits } from '../protocol/limits.js';
import type { BranchBody, OpenBody, ResolveBody } from '../protocol/schemas.js';
import {
  type BranchView,
  type EventView,
  isFinal,
  type TransactionStatus,
  type TransactionSummaryView,
  type TransactionView,
} from '../protocol/views.js';
import { drawId, fromEnvironment, monotonic } from './environment.js';
import { exchangeWith } from './exchange.js';

export interface ConnectOptions {
  /** Default: `CONCORDAT_URL`, else `http://127.0.0.1:8090`. */
  readonly url?: string;
  /** Default: `CONCORDAT_API_KEY`. */
  readonly apiKey?: string;
}

/** A transaction that the coordinator drives. */
export type Plan = OpenBody & { readonly steps: NonNullable<OpenBody['steps']> };
/** A transaction that the caller drives: branches are added, then it is committed or rolled back. */
export type OpenOptions = Omit<OpenBody, 'steps'>;

export interface Wait {
  /** Wait so long (at most 60) for the end; the answer comes by then either way. */
  readonly waitSeconds?: number;
}

export interface Filter {
  readonly status?: TransactionStatus | readonly TransactionStatus[];
  readonly name?: string;
  readonly businessKey?: string;
  readonly participant?: string;
  /** ISO 8601 in UTC. */
  readonly openedAfter?: string;
  readonly openedBefore?: string;
  readonly limit?: number;
  readonly cursor?: string;
}

export interface TransactionPage {
  readonly items: readonly TransactionSummaryView[];
  readonly nextCursor: string | null;
}

/** Talks to a coordinator. Everything rejects with ConcordatError or NoCoordinator; a lost answer is asked for again. */
export interface Client {
  submit(plan: Plan, wait?: Wait): Promise<TransactionView>;
  open(options: OpenOptions): Promise<TransactionView>;
  get(xid: string): Promise<TransactionView>;
  list(filter?: Filter): Promise<TransactionPage>;
  events(xid: string): Promise<readonly EventView[]>;
  /** Resolves when the branch's forward op has an outcome; waits 30 s unless told otherwise. */
  addBranch(xid: string, branch: BranchBody, wait?: Wait): Promise<BranchView>;
  commit(xid: string, wait?: Wait): Promise<TransactionView>;
  rollback(xid: string, options?: Wait & { readonly reason?: string }): Promise<TransactionView>;
  rollbackOnly(xid: string, reason?: string): Promise<TransactionView>;
  retry(xid: string): Promise<TransactionView>;
  resolve(xid: string, branches: ResolveBody['branches']): Promise<TransactionView>;
  /** Resolves when it is final or parked, or with its state when the time is up (default: a minute). */
  wait(xid: string, options?: { readonly timeoutMs?: number }): Promise<TransactionView>;
  close(): Promise<void>;
}

/** A client of the coordinator at `url`. Connects when it is first used. */
export function connect(options: ConnectOptions = {}): Client {
  const environment = fromEnvironment();
  const { url = environment.url, apiKey = environment.apiKey } = options;
  const exchange = exchangeWith(url, apiKey);
  const get = <T>(path: string, waitSeconds?: number): Promise<T> =>
    exchange.send<T>({ method: 'GET', path, waitSeconds, repeatable: true });
  const post = <T>(path: string, body: unknown, { waitSeconds }: Wait = {}, repeatable = true): Promise<T> =>
    exchange.send<T>({ method: 'POST', path, body, waitSeconds, repeatable });
  // The id is drawn before the first send, so that sending again never opens a second transaction.
  const openWith = (body: OpenBody, wait?: Wait): Promise<TransactionView> =>
    post('/v1/transactions', { ...body, xid: body.xid ?? drawId() }, wait);

  return {
    submit: openWith,
    open: (body) => openWith(body),
    get: (xid) => get(pathOf(xid)),
    list: (filter = {}) => get(`/v1/transactions${queryOf(filter)}`),
    events: async (xid) => (await get<{ items: readonly EventView[] }>(`${pathOf(xid)}/events`)).items,
    addBranch: (xid, branch, wait) => post(`${pathOf(xid)}/branches`, branch, wait),
    commit: (xid, wait) => post(`${pathOf(xid)}/commit`, {}, wait),
    rollback: (xid, { reason, waitSeconds } = {}) => post(`${pathOf(xid)}/rollback`, { reason }, waitOf(waitSeconds)),
    rollbackOnly: (xid, reason) => post(`${pathOf(xid)}/rollback-only`, { reason }),
    retry: (xid) => post(`${pathOf(xid)}/retry`, {}),
    // A repeat of what was carried out would be refused, as nothing is parked any more.
    resolve: (xid, branches) => post(`${pathOf(xid)}/resolve`, { branches }, {}, false),
    async wait(xid, { timeoutMs = 60_000 } = {}) {
      const until = monotonic() + timeoutMs;
      for (;;) {
        const leftSeconds = Math.max(0, Math.ceil((until - monotonic()) / 1000));
        const view = await get<TransactionView>(pathOf(xid), Math.min(leftSeconds, limits.waitSecondsMax));
        if (isFinal(view.status) || view.status === 'parked' || monotonic() >= until) return view;
      }
    },
    close: () => exchange.close(),
  };
}

const waitOf = (waitSeconds: number | undefined): Wait => (waitSeconds === undefined ? {} : { waitSeconds });

const pathOf = (xid: string): string => `/v1/transactions/${encodeURIComponent(xid)}`;

function queryOf({ status = [], ...rest }: Filter): string {
  const params = new URLSearchParams();
  for (const each of [status].flat()) params.append('status', each);
  for (const [name, value] of Object.entries(rest)) if (value !== undefined) params.append(name, String(value));
  return params.size === 0 ? '' : `?${params}`;
}
