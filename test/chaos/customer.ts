import { Agent, request } from 'undici';
import { headers as commandHeaders } from '../../sdk/protocol/commands.js';
import type { Json } from '../../sdk/protocol/json.js';
import { type BranchView, type Decision, isFinal, type TransactionView } from '../../sdk/protocol/views.js';
import { eventually, type Scope } from './program.js';

export interface Answered {
  readonly status: number;
  readonly body: Readonly<Record<string, Json>>;
}

type Fields = Readonly<Record<string, unknown>>;

/** What the coordinator said is so. It must be so for ever, whatever is killed (I3). */
export interface Acknowledged {
  readonly opened: Set<string>;
  readonly decided: Map<string, Decision>;
  readonly ended: Map<string, string>;
  /** By xid and branch id. */
  readonly branches: Map<string, string>;
}

/** How long one request is repeated. */
const patienceMs = 120_000;

/**
 * A client of the coordinator that is never sure whether it was heard: it repeats the same request, with the same xid
 * and the same branch id, until it is answered.
 */
export class Customer {
  readonly acknowledged: Acknowledged = {
    opened: new Set(),
    decided: new Map(),
    ended: new Map(),
    branches: new Map(),
  };
  readonly #url: string;
  readonly #agent = new Agent();
  #gone = false;

  constructor(scope: Scope, url: string) {
    this.#url = url;
    scope.teardown(() => this.#leave());
  }

  async #leave(): Promise<void> {
    this.#gone = true;
    await this.#agent.destroy();
  }

  /** One try; undefined when nobody answered. */
  async once(
    method: 'GET' | 'POST',
    path: string,
    body?: object,
    waitSeconds = 0,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answered | undefined> {
    try {
      const answer = await request(`${this.#url}/v1/transactions${path}`, {
        method,
        dispatcher: this.#agent,
        headers: {
          ...(body && { 'content-type': 'application/json' }),
          ...(waitSeconds > 0 && { prefer: `wait=${waitSeconds}` }),
          ...headers,
        },
        body: body ? JSON.stringify(body) : null,
      });
      return { status: answer.statusCode, body: (await answer.body.json()) as Answered['body'] };
    } catch (error) {
      if (this.#gone) throw error;
      return undefined;
    }
  }

  /** Waits until nobody is let in any more. */
  async refuses(): Promise<void> {
    await eventually('the door to close', async () => {
      const answer = await this.once('GET', '?limit=1');
      return answer === undefined || answer.status === 503 ? true : undefined;
    });
  }

  /** The same request until it is answered with something else than "not now". */
  ask(method: 'GET' | 'POST', path: string, body?: object, waitSeconds = 0): Promise<Answered> {
    return eventually(
      `${method} ${path}`,
      async () => {
        const answer = await this.once(method, path, body, waitSeconds);
        return answer && answer.status < 500 ? answer : undefined;
      },
      patienceMs,
    );
  }

  /** Opens a transaction; resolves when it is acknowledged. */
  async open(body: Fields & { readonly xid: string }): Promise<void> {
    const answer = await this.ask('POST', '', body);
    if (answer.status > 201) throw unexpected(`opening ${body.xid}`, answer);
    this.acknowledged.opened.add(body.xid);
  }

  /** Adds a branch and waits for its outcome; undefined when the transaction takes no more. */
  async add(xid: string, body: Fields & { readonly id: string }): Promise<BranchView | undefined> {
    const answer = await eventually(
      `branch ${body.id} of ${xid}`,
      async () => {
        const said = await this.ask('POST', `/${xid}/branches`, body, 1);
        return said.status === 202 ? undefined : said;
      },
      patienceMs,
    );
    if (answer.body.code === 'transaction_not_active') return undefined;
    if (answer.status > 201) throw unexpected(`branch ${body.id} of ${xid}`, answer);
    const branch = answer.body as unknown as BranchView;
    this.acknowledged.branches.set(`${xid} ${body.id}`, branch.status);
    return branch;
  }

  /** Asks for a decision; resolves with the one that fell. */
  async decide(xid: string, way: Decision): Promise<Decision> {
    const answer = await eventually(
      `${way} of ${xid}`,
      async () => {
        const said = await this.ask('POST', `/${xid}/${way}`, {});
        return said.status === 202 ? undefined : said;
      },
      patienceMs,
    );
    if (answer.body.code === 'already_decided') return way === 'commit' ? 'rollback' : 'commit';
    if (answer.status !== 200) throw unexpected(`${way} of ${xid}`, answer);
    const { decision } = answer.body as unknown as TransactionView;
    if (decision) this.acknowledged.decided.set(xid, decision);
    return decision ?? way;
  }

  /** What a participant says by itself, with the token of its command. */
  late(xid: string, branch: number, token: string, body: object): Promise<Answered | undefined> {
    return this.once('POST', `/${xid}/branches/${branch}/outcome`, body, 0, { [commandHeaders.token]: token });
  }

  /** The transaction as it is now. */
  async get(xid: string): Promise<TransactionView> {
    const answer = await this.ask('GET', `/${xid}`);
    if (answer.status !== 200) throw unexpected(xid, answer);
    return answer.body as unknown as TransactionView;
  }

  /** Waits until the transaction is there and looks like that. */
  sees(xid: string, looks: (view: TransactionView) => boolean): Promise<TransactionView> {
    return eventually(`${xid} to look as wanted`, async () => {
      const answer = await this.once('GET', `/${xid}`);
      const view = answer?.status === 200 ? (answer.body as unknown as TransactionView) : undefined;
      return view && looks(view) ? view : undefined;
    });
  }

  /** Waits until the transaction is final or parked. */
  async ended(xid: string, withinMs: number): Promise<TransactionView> {
    let seen: TransactionView | undefined;
    const look = async () => {
      const answer = await this.once('GET', `/${xid}`, undefined, 1);
      if (answer?.status !== 200) return undefined;
      seen = answer.body as unknown as TransactionView;
      return isFinal(seen.status) || seen.status === 'parked' ? seen : undefined;
    };
    const view = await eventually(`the end of ${xid}`, look, withinMs).catch((error: Error) => {
      const { status, waitingOn } = seen ?? {};
      throw new Error(`I10 ${error.message}: ${status ?? 'not there'}, waiting on ${JSON.stringify(waitingOn)}`);
    });
    if (isFinal(view.status)) this.acknowledged.ended.set(xid, view.status);
    return view;
  }
}

const unexpected = (what: string, { status, body }: Answered): Error =>
  new Error(`${what}: answered ${status} ${JSON.stringify(body)}`);
