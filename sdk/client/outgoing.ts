/** Takes the transaction along to another service. */
import { planted } from '#faults';
import { headers } from '../protocol/commands.js';
import { insideHandler } from './call.js';
import { currentTransaction } from './context.js';
import { Initiated } from './initiated.js';

type Fetch = typeof globalThis.fetch;

export interface TransactionFetchOptions {
  /**
   * Where the xid may go: `https://stock.internal`. Whoever has it can add branches and keep the transaction from being
   * committed, so nobody else is told.
   */
  readonly origins: readonly string[];
  /** What sends; the global fetch by default. */
  readonly fetch?: Fetch;
}

/**
 * A fetch that sends the `concordat-xid` of the transaction that it is called in, to these origins only; elsewhere, and
 * outside of a transaction, it is the plain one. The end of the transaction waits for it. A redirect of such a request is
 * an error, unless it asks for `manual`: it would take the xid along. Throws TypeError when an origin is none.
 */
export function transactionFetch({ origins, fetch = globalThis.fetch }: TransactionFetchOptions): Fetch {
  const allowed = new Set(origins.map(originOf));
  return (input, init) => {
    const transaction = currentTransaction();
    const url = urlOf(input);
    if (!transaction || !(allowed.has(url.origin) || planted('xid-to-anybody'))) return fetch(input, init);
    const what = `the request to ${url.origin}${url.pathname}`;
    if (!(transaction instanceof Initiated)) return Promise.reject(insideHandler(what));
    const request = new Request(input, init);
    request.headers.set(headers.xid, transaction.xid);
    const redirect = request.redirect === 'manual' ? 'manual' : 'error';
    try {
      return transaction.begin(what, () => fetch(new Request(request, { redirect })));
    } catch (error) {
      return Promise.reject(error);
    }
  };
}

function originOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && (url.protocol === 'http:' || url.protocol === 'https:') && url.origin === text.replace(/\/$/, ''))
    return url.origin;
  throw new TypeError(`origins: expected an origin such as https://stock.internal, got ${JSON.stringify(text)}`);
}

/** Throws as fetch does when there is none. */
const urlOf = (input: Parameters<Fetch>[0]): URL => new URL(input instanceof Request ? input.url : input);
