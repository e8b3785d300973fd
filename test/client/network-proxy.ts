/** What stands between a client and its coordinator, and fails as networks do. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
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
  arm(at: number, what: Fault | Around): void;
  /** Nothing happens to any more. */
  disarm(): void;
  /** Sends what was to come again in the end; resolves with the status of its answer. */
  again(): Promise<number | undefined>;
}

export async function badNetwork(scope: Scope, target: string): Promise<BadNetwork> {
  let came: string[] = [];
  let armed: { readonly at: number; readonly what: Fault | Around } | undefined;
  let kept: Sent | undefined;

  const forward = async ({ method, path, headers, body }: Sent) => {
    const answer = await ask(target + path, { method: method as 'GET', headers, body: body.length > 0 ? body : null });
    return { status: answer.statusCode, type: answer.headers['content-type'], text: await answer.body.text() };
  };

  async function pass(sent: Sent, what: Fault | Around | undefined, response: ServerResponse): Promise<void> {
    const close = () => void response.socket?.destroy();
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
  scope.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get came() {
      return came;
    },
    arm(at, what) {
      came = [];
      armed = { at, what };
    },
    disarm() {
      came = [];
      armed = undefined;
    },
    async again() {
      const sent = kept;
      kept = undefined;
      return sent && (await forward(sent)).status;
    },
  };
}

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
