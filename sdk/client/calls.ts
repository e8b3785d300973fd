/** The requests of the coordinator's API, one function each. What leans on them is in client.ts. */
import { headers } from '../protocol/commands.js';
import { limits } from '../protocol/limits.js';
import type { BranchBody, InstanceBody, OpenBody, ResolveBody } from '../protocol/schemas.js';
import {
  type BranchView,
  type EventView,
  isFinal,
  type RegistrationView,
  type TransactionItemView,
  type TransactionStatus,
  type TransactionView,
} from '../protocol/views.js';
import type { Ambient } from './environment.js';
import type { Exchange } from './exchange.js';
import type { PlanOf, Steps, TypedView } from './plan-types.js';

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
  readonly items: readonly TransactionItemView[];
  readonly nextCursor: string | null;
}

/** How the work of a handler that threw Pending ended. */
export type LateOutcome =
  | { readonly outcome: 'done'; readonly output?: unknown }
  | { readonly outcome: 'refused'; readonly reason: string };

/** Asks a coordinator. Everything rejects with ConcordatError or NoCoordinator; a lost answer is asked for again. */
export interface Calls {
  /** What `plan(name)` builds, or the same as a plain object. The outputs of a built one have their types. */
  submit<S extends Steps, Last extends keyof S & string>(plan: PlanOf<S, Last>, wait?: Wait): Promise<TypedView<S>>;
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
  /** Brings the outcome of a handler that threw Pending. `ticket` is its `tx.ticket`; no key is needed, as it holds one. */
  report(ticket: string, outcome: LateOutcome): Promise<BranchView>;
  /** Resolves when it is final or parked, or with its state when the time is up (default: a minute). */
  wait(xid: string, options?: { readonly timeoutMs?: number }): Promise<TransactionView>;
  /** Registers one instance of a participant; repeated before `ttlMs` is over, it stays in traffic. Sent once. */
  registerInstance(participant: string, id: string, body: InstanceBody): Promise<RegistrationView>;
  /** Takes an instance out of traffic. Sent once. */
  dropInstance(participant: string, id: string): Promise<void>;
  close(): Promise<void>;
}

/** What drives transactions: the requests, time and chance. */
export interface Caller {
  readonly calls: Calls;
  readonly ambient: Ambient;
  /** What stands for the coordinator, when it is embedded in this process. */
  readonly embedded: object | undefined;
}

/** The requests, sent through an exchange. */
export function callsOver(exchange: Exchange, ambient: Ambient): Calls {
  const get = <T>(path: string, waitSeconds?: number): Promise<T> =>
    exchange.send<T>({ method: 'GET', path, waitSeconds, repeatable: true });
  const post = <T>(path: string, body: unknown, { waitSeconds }: Wait = {}, repeatable = true): Promise<T> =>
    exchange.send<T>({ method: 'POST', path, body, waitSeconds, repeatable });
  // The id is drawn before the first send, so that sending again never opens a second transaction.
  const openWith = <View = TransactionView>(body: OpenBody, wait?: Wait): Promise<View> =>
    post('/v1/transactions', { ...body, xid: body.xid ?? ambient.uuid() }, wait);

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
    async report(ticket, outcome) {
      const { xid, branch, op, token } = readTicket(ticket);
      const path = `${pathOf(xid)}/branches/${branch}/outcome`;
      const body = { op, ...outcome };
      return exchange.send({ method: 'POST', path, body, headers: { [headers.token]: token }, repeatable: true });
    },
    async wait(xid, { timeoutMs = 60_000 } = {}) {
      const until = ambient.monotonic() + timeoutMs;
      for (;;) {
        const leftSeconds = Math.max(0, Math.ceil((until - ambient.monotonic()) / 1000));
        const view = await get<TransactionView>(pathOf(xid), Math.min(leftSeconds, limits.waitSecondsMax));
        if (isFinal(view.status) || view.status === 'parked' || ambient.monotonic() >= until) return view;
      }
    },
    registerInstance: (participant, id, body) =>
      exchange.send({ method: 'PUT', path: instancePathOf(participant, id), body, repeatable: false, once: true }),
    async dropInstance(participant, id) {
      await exchange.send({ method: 'DELETE', path: instancePathOf(participant, id), repeatable: false, once: true });
    },
    close: () => exchange.close(),
  };
}

interface Ticket {
  readonly xid: string;
  readonly branch: number;
  readonly op: string;
  readonly token: string;
}

function readTicket(ticket: string): Ticket {
  let read: Partial<Ticket> | null;
  try {
    read = JSON.parse(ticket) as Partial<Ticket> | null;
  } catch {
    read = null;
  }
  const { xid, branch, op, token } = read ?? {};
  if (typeof xid === 'string' && typeof branch === 'number' && typeof op === 'string' && typeof token === 'string')
    return { xid, branch, op, token };
  throw new TypeError('ticket: expected the tx.ticket of a handler as it was given, got another text');
}

const waitOf = (waitSeconds: number | undefined): Wait => (waitSeconds === undefined ? {} : { waitSeconds });

/** Where a transaction is, in the API. */
export const pathOf = (xid: string): string => `/v1/transactions/${encodeURIComponent(xid)}`;

const instancePathOf = (participant: string, id: string): string =>
  `/v1/participants/${encodeURIComponent(participant)}/instances/${encodeURIComponent(id)}`;

function queryOf({ status = [], ...rest }: Filter): string {
  const params = new URLSearchParams();
  for (const each of [status].flat()) params.append('status', each);
  for (const [name, value] of Object.entries(rest)) if (value !== undefined) params.append(name, String(value));
  return params.size === 0 ? '' : `?${params}`;
}
