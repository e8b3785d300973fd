/** Takes the transaction of a caller over into the request that it sent. Works with express and whatever has its shape. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { planted } from '#faults';
import { headers } from '../protocol/commands.js';
import { toXid, type Xid } from '../protocol/ids.js';
import type { Client } from './client.js';
import { runIn } from './context.js';
import { Initiated } from './initiated.js';

export interface JoinOptions<Request> {
  /** Of the coordinator that the caller's transaction is at. */
  readonly client: Pick<Client, 'rollbackOnly'>;
  /**
   * Whether the sender of a request may make it part of its transaction: who names an xid here can keep the work of this
   * service from being committed. Look at who it is (a key, a client certificate), not at what the request says of itself.
   */
  readonly trust: (request: Request) => boolean;
}

type Next = (error?: unknown) => void;

/** Names the header under which Seata sends the same. */
const seata = 'tx_xid';

/**
 * Middleware: a request that came with a `concordat-xid` (or Seata's `TX_XID`) from a trusted sender runs inside that
 * transaction; remotes add branches to it. Anybody else's header is ignored. An answer of 500 or more, and
 * `setRollbackOnly`, mark the transaction rollback-only before the answer goes out; an answer below 500 is the sender's to
 * judge, as a refusal is.
 */
export const joinTransaction =
  <Request extends IncomingMessage>({ client, trust }: JoinOptions<Request>) =>
  (request: Request, response: ServerResponse, next: Next): void => {
    const xid = xidOf(request);
    let trusted: boolean;
    try {
      trusted = xid !== undefined && (trust(request) === true || planted('join-any-caller'));
    } catch (error) {
      next(error);
      return;
    }
    if (xid === undefined || !trusted) {
      runIn(undefined, next);
      return;
    }
    const transaction = new Initiated(xid, client);
    holdBack(request, response, transaction);
    runIn(transaction, next);
  };

function xidOf({ headers: given }: IncomingMessage): Xid | undefined {
  const said = given[headers.xid] ?? given[seata];
  return typeof said === 'string' ? toXid(said) : undefined;
}

/** The answer goes out when all that it stands for is with the coordinator. */
function holdBack(request: IncomingMessage, response: ServerResponse, transaction: Initiated): void {
  const { end } = response;
  let ending = false;
  const answer = async (args: readonly unknown[]): Promise<void> => {
    await transaction.returned();
    const { statusCode } = response;
    if (statusCode >= 500) void transaction.mark(`${request.method} ${pathOf(request)} answered ${statusCode}`);
    try {
      await transaction.marksSent();
    } catch (error) {
      // The sender would take the answer for a yes. Without one it must not commit.
      if (statusCode < 500) {
        response.destroy(error instanceof Error ? error : undefined);
        return;
      }
    }
    Reflect.apply(end, response, args);
  };
  response.end = (...args: readonly unknown[]): ServerResponse => {
    if (!ending) {
      ending = true;
      answer(args).catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined));
    }
    return response;
  };
  response.once('close', () => transaction.end());
}

const pathOf = ({ url = '' }: IncomingMessage): string => url.split('?', 1)[0]?.slice(0, 200) ?? '';
