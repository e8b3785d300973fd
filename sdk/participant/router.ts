/** Requests of the coordinator: finds what each is for, past any framework, as this is where every command comes in. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import { headers } from '../protocol/commands.js';
import { linesType, takeBatch } from './batch.js';
import { Rejected } from './command.js';
import type { Courier } from './courier.js';
import type { ParticipantDefinition } from './handler.js';
import type { HostLog } from './log.js';
import { batchBytesMax, commandBytesMax, readBytes } from './requests.js';
import { refusalOf, type WireAnswer } from './wire.js';

/** For node:http as it is, and for express as middleware; `next` gets what is not for the host. */
export type Handle = (request: IncomingMessage, response: ServerResponse, next?: (error?: unknown) => void) => void;

export interface RouterParts {
  readonly courier: Courier;
  readonly definitions: readonly ParticipantDefinition[];
  /** What stands before every path when nobody takes it off: the path of the public URL, without slashes around it. */
  readonly prefix: string;
  /** Throws `Rejected` for requests that no coordinator makes. */
  readonly guard: (request: IncomingMessage) => void;
  readonly isStopping: () => boolean;
  readonly log: HostLog;
}

export function createRouter({ courier, definitions, prefix, guard, isStopping, log }: RouterParts): Handle {
  const names = definitions.map(({ name }) => name);
  /** What stands before a command's path in a batch, by the path of the batch. */
  const scopes = new Map(names.map((name) => [`${name}/_batch`, `${name}/`]));
  scopes.set('_batch', '');

  async function take(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    const header = headerOf(request);
    const to = courier.destinationOf(path);
    const scope = to ? undefined : scopes.get(path);
    if (request.method !== 'POST' && (to || scope !== undefined))
      throw new Rejected(405, 'method_not_allowed', `expected POST, got ${request.method}`);
    guard(request);
    if (to) {
      write(response, await courier.one(to, header, await readBytes(request, commandBytesMax)), isStopping());
    } else if (scope !== undefined) {
      const bytes = await readBytes(request, batchBytesMax);
      courier.verify(header, bytes);
      if (isStopping()) response.setHeader('connection', 'close');
      takeBatch(courier, scope, bytes, header('accept')?.includes(linesType) ?? false, response);
    } else write(response, await courier.carry(undefined, path, header, () => ({})), true);
  }

  const isKnown = (path: string): boolean => courier.destinationOf(path) !== undefined || scopes.has(path);
  const locate = (url: string): string => {
    const path = pathOf(url);
    if (prefix === '' || isKnown(path) || !path.startsWith(`${prefix}/`)) return path;
    return path.slice(prefix.length + 1);
  };

  return (request, response, next) => {
    const path = locate(request.url ?? '');
    if (!next && path === 'healthz' && (request.method === 'GET' || request.method === 'HEAD')) {
      const status = isStopping() ? 'stopping' : 'ok';
      write(response, { status: 200, headers: {}, body: JSON.stringify({ status, participants: names }) }, false);
      return;
    }
    // Not the xid: requests of the application carry it too, from inside of a transaction.
    if (next && !isKnown(path) && !(headers.branch in request.headers)) {
      next();
      return;
    }
    take(request, response, path).catch((error: unknown) => {
      if (!(error instanceof Rejected) || error.status >= 500)
        log.error({ path, error: String(error) }, 'a request failed');
      if (!response.headersSent) write(response, refusalOf(error), !request.complete || isStopping());
      else response.destroy();
    });
  };
}

/** The path without its query and the slashes around it. */
function pathOf(url: string): string {
  const end = url.indexOf('?');
  const path = end < 0 ? url : url.slice(0, end);
  return path.endsWith('/') ? path.slice(1, -1) : path.slice(1);
}

const headerOf =
  ({ headers }: IncomingMessage) =>
  (name: string): string | undefined => {
    const value = headers[name];
    return Array.isArray(value) ? value[0] : value;
  };

function write(response: ServerResponse, { status, headers, body = '' }: WireAnswer, isLast: boolean): void {
  response.writeHead(status, {
    ...(body !== '' && { 'content-type': 'application/json' }),
    'content-length': Buffer.byteLength(body),
    // What is left of a body that nobody reads must not be taken for the next request.
    ...(isLast && { connection: 'close' }),
    ...headers,
  });
  response.end(body);
}

/**
 * Keeps web pages out of a host that checks no signatures: a page in somebody's browser reaches loopback, by a name that
 * it lets point here or by a cross-site post. `names` are the hosts that it may be asked for besides.
 */
export function pageGuard(names: readonly string[]): (request: IncomingMessage) => void {
  return ({ headers }) => {
    const host = hostOf(headers.host ?? '');
    if (isIP(host) === 0 && host !== 'localhost' && !host.endsWith('.localhost') && !names.includes(host))
      throw new Rejected(
        421,
        'misdirected',
        `expected a Host of this host, got ${JSON.stringify(host.slice(0, 100))}; give publicUrl, or a signing secret`,
      );
    if (headers.origin !== undefined)
      throw new Rejected(
        403,
        'forbidden',
        'expected a request of a coordinator, got one of a web page (with an Origin)',
      );
  };
}

/** Without port, brackets and final dot. */
function hostOf(header: string): string {
  const [, bracketed, plain = ''] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(header.toLowerCase()) ?? [];
  return bracketed ?? plain.replace(/\.$/, '');
}
