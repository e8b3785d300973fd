/** The participant's process: takes commands one by one or in batches, and tells how many came and how fast. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answerParent } from '../bench/parent.js';
import { steps } from '../bench/work.js';

/** Makes itself known; stops and begins to listen; tells what came since it was asked last. */
export type Ask = { readonly join: string } | 'die' | 'rise' | 'came';

export interface Came {
  readonly commands: number;
  /** Of any whole second. */
  readonly mostPerSecond: number;
}

const json = { 'content-type': 'application/json' };
let server = createServer(take);
let port = 0;
let commands = 0;
/** Commands by tenth of a second. */
let tenths = new Map<number, number>();

function take(request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => answer(request.url ?? '', Buffer.concat(chunks).toString(), response));
}

function answer(path: string, text: string, response: ServerResponse): void {
  const body = JSON.parse(text) as {
    readonly commands?: readonly { readonly path: string; readonly body: Body }[];
  } & Body;
  if (path !== '/_batch') {
    const { status, headers, body: said } = outcomeOf(path, body);
    note(1);
    response.writeHead(status, headers ?? json).end(JSON.stringify(said));
    return;
  }
  const all = body.commands ?? [];
  note(all.length);
  response.writeHead(200, json).end(JSON.stringify({ outcomes: all.map((each) => outcomeOf(each.path, each.body)) }));
}

interface Body {
  readonly input?: { readonly refuse?: boolean };
}

function outcomeOf(path: string, { input }: Body) {
  const refuses = input?.refuse === true && path.endsWith('/action');
  return refuses
    ? { status: 409, headers: { 'content-type': 'application/problem+json' }, body: { detail: 'sold out' } }
    : { status: 200, headers: undefined, body: { ok: true } };
}

function note(count: number): void {
  commands += count;
  const tenth = Math.floor(performance.now() / 100);
  tenths.set(tenth, (tenths.get(tenth) ?? 0) + count);
}

function came(): Came {
  const found = { commands, mostPerSecond: mostPerSecond() };
  commands = 0;
  tenths = new Map();
  return found;
}

function mostPerSecond(): number {
  let most = 0;
  for (const first of tenths.keys()) {
    let sum = 0;
    for (let tenth = first; tenth < first + 10; tenth++) sum += tenths.get(tenth) ?? 0;
    most = Math.max(most, sum);
  }
  return most;
}

async function rise(): Promise<void> {
  server = createServer(take);
  server.keepAliveTimeout = 120_000;
  server.listen(port, '127.0.0.1', 1024);
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
}

async function die(): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}

async function join(coordinatorUrl: string): Promise<void> {
  const handlers = steps.map((name) => ({ name, kind: 'saga' }));
  const url = `http://127.0.0.1:${port}`;
  const body = JSON.stringify({ url, handlers, sdk: 'load', batch: true, ttlMs: 24 * 3600 * 1000 });
  const response = await fetch(`${coordinatorUrl}/v1/participants/load/instances/1`, {
    method: 'PUT',
    headers: json,
    body,
  });
  if (response.status !== 200) throw new Error(`the participant could not register: ${response.status}`);
}

await rise();
answerParent(async (ask: Ask): Promise<Came | undefined> => {
  if (ask === 'came') return came();
  if (ask === 'die') await die();
  else if (ask === 'rise') await rise();
  else await join(ask.join);
  return undefined;
});
