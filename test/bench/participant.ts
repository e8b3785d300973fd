/** The bare participant's process: node:http, handlers that do nothing but note what they were asked. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answerParent } from './parent.js';
import { letterOf, registrationOf, type StepInput, type Tally, Words } from './work.js';

/** Says where it listens, makes itself known to a coordinator, or tells what came since the last time. */
export type Ask = 'url' | 'tally' | { readonly coordinatorUrl: string; readonly batch: boolean };

interface Body {
  readonly xid: string;
  readonly input: StepInput;
}

interface Batch {
  readonly commands: readonly { readonly path: string; readonly body: Body }[];
}

const words = new Words();
const json = 'application/json';
const problem = { 'content-type': 'application/problem+json' };

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => answer(request, response, Buffer.concat(chunks).toString()));
});

function answer({ url = '' }: IncomingMessage, response: ServerResponse, text: string): void {
  if (url === '/_batch') {
    const { commands } = JSON.parse(text) as Batch;
    send(response, 200, json, { outcomes: commands.map(({ path, body }) => outcomeOf(path, body)) });
  } else {
    const { status, headers, body } = outcomeOf(url, JSON.parse(text) as Body);
    send(response, status, headers?.['content-type'] ?? json, body);
  }
}

function outcomeOf(path: string, { xid, input }: Body) {
  const refused = input.refuse && path === '/stock/action';
  words.note(xid, letterOf(path, refused));
  if (refused) return { status: 409, headers: problem, body: { title: 'Refused', detail: 'out of stock' } };
  return { status: 200, headers: undefined, body: { ok: true, xid } };
}

function send(response: ServerResponse, status: number, type: string, body: unknown): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

const urlOf = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

async function join(coordinatorUrl: string, batch: boolean): Promise<void> {
  const { path, body } = registrationOf(urlOf(), batch);
  const headers = { 'content-type': json };
  const response = await fetch(coordinatorUrl + path, { method: 'PUT', headers, body: JSON.stringify(body) });
  if (response.status !== 200) throw new Error(`the participant could not register: ${response.status}`);
}

server.keepAliveTimeout = 120_000;
server.listen(0, '127.0.0.1', 1024);
await once(server, 'listening');
answerParent(async (ask: Ask): Promise<string | Tally | undefined> => {
  if (ask === 'url') return urlOf();
  if (ask === 'tally') return words.take();
  await join(ask.coordinatorUrl, ask.batch);
  return undefined;
});
