/** Takes the transaction along to another service. */
import { planted } from '#faults';
import { headers } from '../protocol/commands.js';
import { watchBody } from './answer-body.js';
import { insideHandler } from './call.js';
import { currentTransaction } from './context.js';
import { Initiated } from './initiated.js';
import { troubleOf } from './patience.js';
import { reasonOf } from './reasons.js';

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
 *
 * A request that broke off, an answer that cannot be read to its end, and one of 408 or of 500 and more (a gateway's, of
 * what is still at work behind it) say nothing of what the service did: the transaction is marked rollback-only.
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
      return transaction.begin(what, async () => {
        request.signal.throwIfAborted();
        return heard(transaction, what, fetch(new Request(request, { redirect })));
      });
    } catch (error) {
      return Promise.reject(error);
    }
  };
}

async function heard(transaction: Initiated, what: string, asked: Promise<Response>): Promise<Response> {
  try {
    const response = await asked;
    const { status } = response;
    if (status === 408 || status >= 500) transaction.doubt(`${what} was answered ${status}`);
    // One of another make, as a fetch that was brought along may answer, is passed on as it is.
    if (!(response instanceof Response)) return response;
    return watchBody(response, (error) => transaction.doubt(`the answer to ${what} broke off: ${reasonOf(error)}`));
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    if (cause === undefined || troubleOf(cause) === 'unanswered')
      transaction.doubt(`no answer to ${what}: ${reasonOf(error)}`);
    throw error;
  }
}

function originOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && (url.protocol === 'http:' || url.protocol === 'https:') && url.origin === text.replace(/\/$/, ''))
    return url.origin;
  throw new TypeError(`origins: expected an origin such as https://stock.internal, got ${JSON.stringify(text)}`);
}

/** Throws as fetch does when there is none. */
const urlOf = (input: Parameters<Fetch>[0]): URL => new URL(input instanceof Request ? input.url : input);
