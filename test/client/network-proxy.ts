/** What stands between a client and its coordinator, and fails as networks do. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { request as ask } from 'undici';
import type { Scope } from '../chaos/program.js';

/** What happens to one request. */
export type Fault =
  /** The connection is closed before anything goes on. */
  | 'the request is lost'
  /** It is carried out, and the connection closed before the answer. */
  | 'the answer is lost'
  | 'half an answer comes'
  /** It is carried out, and answered to nobody who still listens. */
  | 'the answer comes too late'
  | 'the request comes twice at once'
  /** Its bytes come again when everything is over. */
  | 'the request comes again in the end';

export const faults: readonly Fault[] = [
  'the request is lost',
  'the answer is lost',
  'half an answer comes',
  'the answer comes too late',
  'the request comes twice at once',
  'the request comes again in the end',
];

/** What keeps a client from hearing how a request ended that was carried out. */
export type Trouble =
  /** Its answer is lost, and whoever asks again is told something that is not about it: a key was changed meanwhile. */
  | 'the repeat gets 401'
  | 'the repeat gets 403'
  | 'the repeat gets 408'
  /** It is answered at once, without what it would wait for, and nobody is there until everybody has given up. */
  | 'away after 202';

export const troubles: readonly Trouble[] = [
  'the repeat gets 401',
  'the repeat gets 403',
  'the repeat gets 408',
  'away after 202',
];

const codes: Readonly<Record<number, string>> = { 401: 'unauthorized', 403: 'forbidden', 408: 'request_timeout' };

/** Around one request: `before` it goes on, `after` it was answered and before the answer goes back. */
export interface Around {
  readonly before?: () => Promise<unknown>;
  readonly after?: () => Promise<unknown>;
}

interface Sent {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface BadNetwork {
  readonly url: string;
  /** Requests that came, as `METHOD path`. */
  readonly came: readonly string[];
  /** Forgets what came, and lets `what` happen to the request with that index, from 0. */
  arm(at: number, what: Fault | Trouble | Around): void;
  /** Ends an absence; resolves when somebody is there. */
  back(): Promise<void>;
  /** Nothing happens to any more. */
  disarm(): void;
  /** Sends what was to come again in the end; resolves with the status of its answer. */
  again(): Promise<number | undefined>;
}

export async function badNetwork(scope: Scope, target: string): Promise<BadNetwork> {
  let came: string[] = [];
  let armed: { readonly at: number; readonly what: Fault | Trouble | Around } | undefined;
  /** The request whose repeats are refused, and with which status. */
  let refused: { readonly key: string; readonly status: number } | undefined;
  let kept: Sent | undefined;

  const forward = (sent: Sent) => forwardTo(target, sent);

  async function pass(sent: Sent, what: Fault | Trouble | Around | undefined, response: ServerResponse): Promise<void> {
    const close = () => void response.socket?.destroy();
    if (what === 'away after 202') return leave(server, target, sent, response);
    if (isTrouble(what)) {
      await forward(sent);
      refused = { key: keyOf(sent), status: Number(what.slice(-3)) };
      return close();
    }
    if (refused?.key === keyOf(sent)) return refuse(response, refused.status);
    if (what === 'the request is lost') return close();
    if (typeof what === 'object') await what.before?.();
    if (what === 'the request comes again in the end') kept = sent;
    const [answer] = await Promise.all([forward(sent), what === 'the request comes twice at once' && forward(sent)]);
    if (typeof what === 'object') await what.after?.();
    if (what === 'the answer is lost' || (typeof what === 'object' && what.after)) return close();
    if (what === 'the answer comes too late') await once(response, 'close');
    response.writeHead(answer.status, {
      'content-type': String(answer.type),
      'content-length': Buffer.byteLength(answer.text),
    });
    if (what !== 'half an answer comes') return void response.end(answer.text);
    response.write(answer.text.slice(0, answer.text.length / 2), close);
  }

  const server = createServer(async (request, response) => {
    const sent = await read(request);
    const at = came.push(`${sent.method} ${sent.path}`) - 1;
    // A coordinator that is away is a connection that closes.
    await pass(sent, at === armed?.at ? armed.what : undefined, response).catch(() => response.socket?.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  scope.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${port}`,
    async back() {
      if (server.listening) return;
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
    },
    get came() {
      return came;
    },
    arm(at, what) {
      [came, refused] = [[], undefined];
      armed = { at, what };
    },
    disarm() {
      [came, refused, armed] = [[], undefined, undefined];
    },
    async again() {
      const sent = kept;
      kept = undefined;
      return sent && (await forward(sent)).status;
    },
  };
}

async function forwardTo(target: string, { method, path, headers, body }: Sent) {
  const answer = await ask(target + path, { method: method as 'GET', headers, body: body.length > 0 ? body : null });
  return { status: answer.statusCode, type: answer.headers['content-type'], text: await answer.body.text() };
}

/** Answers what there is without waiting, and is not there any more. */
async function leave(server: Server, target: string, sent: Sent, response: ServerResponse): Promise<void> {
  const answer = await forwardTo(target, { ...sent, headers: { ...sent.headers, prefer: 'wait=0' } });
  server.close();
  response.writeHead(answer.status, { 'content-type': String(answer.type), connection: 'close' });
  response.end(answer.text, () => setImmediate(() => server.closeAllConnections()));
}

function refuse(response: ServerResponse, status: number): void {
  response.writeHead(status, { 'content-type': 'application/problem+json' });
  response.end(JSON.stringify({ code: codes[status], detail: 'not now' }));
}

const isTrouble = (what: unknown): what is Trouble => troubles.some((each) => each === what);

const keyOf = ({ method, path, body }: Sent): string => `${method} ${path} ${body}`;

async function read(request: IncomingMessage): Promise<Sent> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const { prefer, 'content-type': type } = request.headers;
  return {
    method: request.method ?? '',
    path: request.url ?? '',
    headers: { ...(prefer && { prefer: String(prefer) }), ...(type && { 'content-type': type }) },
    body: Buffer.concat(chunks),
  };
}
