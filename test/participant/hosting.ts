/** Hosts with real HTTP, and a stand-in for the coordinator that writes down what it is asked. */
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ExecutionContext } from 'ava';
import { request } from 'undici';
import { armed } from '../../coordinator/faults/armed.js';
import type { PlantedBug } from '../../coordinator/faults/faults.js';
import { participant } from '../../sdk/participant/define.js';
import type { Handler, ParticipantDefinition } from '../../sdk/participant/handler.js';
import type { HostLog } from '../../sdk/participant/log.js';
import { type Host, type ServeOptions, serve } from '../../sdk/participant/serve.js';
import type { Json } from '../../sdk/protocol/json.js';

/** Takes out one protection for the length of a test; such tests run alone. */
export function plant(t: ExecutionContext, ...bugs: PlantedBug[]): void {
  for (const bug of bugs) armed.planted.add(bug);
  t.teardown(() => {
    for (const bug of bugs) armed.planted.delete(bug);
  });
}

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came.
  readonly body: any;
}

export interface StandIn {
  readonly url: string;
  /** Everything that it was asked, in order. */
  readonly asked: readonly Asked[];
  /** Resolves with the first request that fits, whether it came already or comes later. */
  until(fits: (asked: Asked) => boolean): Promise<Asked>;
  close(): Promise<void>;
}

export interface StandInAnswer {
  readonly status: number;
  readonly body: unknown;
}

const registered: StandInAnswer = {
  status: 200,
  body: { participant: 'p', id: 'i', origin: 'origin-1', expiresAt: '', fenceFloor: '2030-01-01T00:00:00.000Z' },
};

/** Answers every request as a coordinator that takes all registrations, unless `answer` says otherwise. */
export async function standIn(
  t: ExecutionContext,
  answer: (asked: Asked) => StandInAnswer | undefined | Promise<StandInAnswer | undefined> = () => undefined,
  port = 0,
): Promise<StandIn> {
  const asked: Asked[] = [];
  const waiting = new Set<() => void>();
  const server = createServer(async (incoming, response) => {
    const text = await textOf(incoming);
    const each: Asked = {
      method: incoming.method ?? '',
      path: incoming.url ?? '',
      authorization: incoming.headers.authorization,
      body: text === '' ? undefined : JSON.parse(text),
    };
    asked.push(each);
    for (const look of waiting) look();
    const { status, body } = (await answer(each)) ?? registered;
    response.writeHead(status, { 'content-type': status < 400 ? 'application/json' : 'application/problem+json' });
    response.end(JSON.stringify(body));
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const close = async (): Promise<void> => {
    if (!server.listening) return;
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  t.teardown(close);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    until: (fits) =>
      new Promise((resolve) => {
        const look = (): void => {
          const found = asked.find(fits);
          if (!found) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
      }),
    close,
  };
}

async function textOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

export interface Line {
  readonly level: 'info' | 'warn' | 'error';
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/** A log that keeps its lines. */
export function keptLog(): HostLog & { readonly lines: readonly Line[] } {
  const lines: Line[] = [];
  const at =
    (level: Line['level']) =>
    (fields: Line['fields'], message: string): void => {
      lines.push({ level, fields, message });
    };
  return { lines, info: at('info'), warn: at('warn'), error: at('error') };
}

/** A participant called `payment` whose handlers need no database. */
export const payment = (handlers: Readonly<Record<string, Handler>>): ParticipantDefinition =>
  participant({ name: 'payment', handlers });

/** A host of its own server, registered with a stand-in; closed with the test. */
export async function startHost(t: ExecutionContext, options: Partial<ServeOptions> = {}): Promise<Host> {
  const coordinator = options.coordinator ?? (await standIn(t)).url;
  const host = await serve({ participants: [], listen: '127.0.0.1:0', log: keptLog(), ...options, coordinator });
  t.teardown(() => host.close());
  return host;
}

/** A node:http server around `listener`; closed with the test. */
export async function httpServer(
  t: ExecutionContext,
  listener: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<string> {
  const server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export interface Send {
  readonly xid?: string;
  readonly branch?: number;
  readonly origin?: string;
  readonly input?: Json;
  readonly output?: Json;
  readonly forward?: string;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  /** Instead of the right body. */
  readonly raw?: string;
  readonly method?: 'GET' | 'POST';
}

export const bodyOf = (op: string, { xid = 'x1', branch = 1, input = {}, output, forward }: Send = {}): string =>
  JSON.stringify({ xid, branch, id: 'step', op, input, ...(forward && { forward, output }) });

export const headersOf = ({ xid = 'x1', branch = 1, origin = 'origin-1', headers }: Send = {}) =>
  Object.fromEntries(
    Object.entries({
      'content-type': 'application/json',
      'concordat-origin': origin,
      'concordat-xid': xid,
      'concordat-branch': String(branch),
      ...headers,
    }).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );

export interface Got {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came.
  readonly body: any;
}

/** Sends a command as the coordinator does, and reads its answer. The path ends in the op. */
export async function send(url: string, path: string, options: Send = {}): Promise<Got> {
  const body = options.raw ?? bodyOf(path.split('/').at(-1) ?? '', options);
  const method = options.method ?? 'POST';
  return post(`${url}/${path}`, method === 'GET' ? null : body, headersOf(options), method);
}

export async function post(
  url: string,
  body: string | null,
  headers: Readonly<Record<string, string>> = { 'content-type': 'application/json' },
  method: 'GET' | 'POST' = 'POST',
): Promise<Got> {
  const answer = await request(url, { method, headers, body });
  const text = await answer.body.text();
  const isJson = String(answer.headers['content-type'] ?? '').includes('json');
  const isDocument = isJson && text !== '' && !String(answer.headers['content-type']).includes('ndjson');
  return { status: answer.statusCode, headers: answer.headers, text, body: isDocument ? JSON.parse(text) : undefined };
}

/** A `whsec_…` secret of 24 bytes, and its key. */
export const secretOf = (byte: number) => {
  const key = Buffer.alloc(24, byte);
  return { key, secret: `whsec_${key.toString('base64')}` };
};

/** The headers of a signature. */
export function signatureOf(body: string, { key, id, at }: { key: Buffer; id: string; at: number }) {
  const timestamp = String(Math.floor(at / 1000));
  const mac = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${mac}` };
}

/** A moment that a test controls: `arrived` resolves when somebody waits there, `release` lets everybody go on. */
export function gate() {
  let release = (): void => undefined;
  let arrive = (): void => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const arrived = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  const wait = (): Promise<void> => {
    arrive();
    return released;
  };
  return { arrived, release, wait };
}
