import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import type { ExecutionContext } from 'ava';
import { systemClock } from '../../coordinator/clock.js';
import { allowList } from '../../coordinator/dispatch/allow.js';
import { type HttpTransportOptions, httpTransport } from '../../coordinator/dispatch/http.js';
import type { Transport } from '../../coordinator/dispatch/transport.js';
import { armed } from '../../coordinator/faults/armed.js';
import type { PlantedBug } from '../../coordinator/faults/faults.js';
import type { Command, CommandBody, Target } from '../../sdk/protocol/commands.js';
import type { Origin, Xid } from '../../sdk/protocol/ids.js';

export const tokenKey = 'a key of the store';

/** A participant that speaks proper HTTP. */
export async function httpParticipant(t: ExecutionContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export interface TcpParticipant {
  readonly url: string;
  readonly connections: () => number;
  readonly requests: () => number;
}

/** A participant that writes whatever it likes once a request has come; `nth` counts requests from 1. */
export async function tcpParticipant(
  t: ExecutionContext,
  answer: (socket: Socket, nth: number) => void,
): Promise<TcpParticipant> {
  const sockets = new Set<Socket>();
  let connections = 0;
  let requests = 0;
  const server = createTcpServer((socket) => {
    connections++;
    sockets.add(socket.on('error', () => undefined).on('close', () => sockets.delete(socket)));
    // Commands of these tests are small: each comes in one piece.
    socket.on('data', () => answer(socket, ++requests));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections: () => connections,
    requests: () => requests,
  };
}

/** A whole answer with its length, ready to be written to a socket. */
export function rawAnswer(body: string, headers = 'content-type: application/json', status = '200 OK'): string {
  return `HTTP/1.1 ${status}\r\n${headers}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

export async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

export function transport(t: ExecutionContext, options: Partial<HttpTransportOptions> = {}): Transport {
  const made = httpTransport({
    origin: 'origin1' as Origin,
    tokenKey,
    signingSecrets: [],
    allow: allowList([]),
    clock: systemClock(),
    connectionsPerOrigin: 8,
    ...options,
  });
  t.teardown(() => made.close());
  return made;
}

/** A promise that is settled from outside: how tests wait for an event instead of a time. */
export function signal<Value = void>(): { readonly came: Promise<Value>; readonly give: (value: Value) => void } {
  let give: (value: Value) => void = () => undefined;
  const came = new Promise<Value>((resolve) => {
    give = resolve;
  });
  return { came, give };
}

let drawn = 0;

/** A command for a target; a text is a URL. It holds for two seconds unless told otherwise. */
export function command(
  target: string | Target,
  overrides: Partial<CommandBody> = {},
  more: Partial<Omit<Command, 'body'>> = {},
): Command {
  const body: CommandBody = {
    xid: `tx-${++drawn}` as Xid,
    branch: 1,
    id: 'charge',
    kind: 'saga',
    op: 'action',
    input: { amount: 12 },
    ...overrides,
  };
  const now = Date.now();
  return {
    body,
    target: typeof target === 'string' ? { url: target } : target,
    attempt: 1,
    dueAt: now,
    expiresAt: now + 2000,
    traceId: '0af7651916cd43dd8448eb211c80319c',
    ...more,
  };
}

/** Takes a protection out until the test ends. For serial tests: all of a process share the switch. */
export function plant(t: ExecutionContext, bug: PlantedBug): void {
  armed.planted.add(bug);
  t.teardown(() => {
    armed.planted.delete(bug);
  });
}
