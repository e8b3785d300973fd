/** The participant process: bare node:http, handlers that do nothing but note what they were asked. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Addressing, letterOf, registrationOf, type StepInput } from './work.js';

/** By xid, the word of the commands that came. */
const words = new Map<string, string>();

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => answer(request, response, Buffer.concat(chunks).toString()));
});

interface Body {
  readonly xid: string;
  readonly input: StepInput;
}

interface Batch {
  readonly commands: readonly { readonly path: string; readonly body: Body }[];
}

/** What a request to join a coordinator says, over IPC. */
export interface Join {
  readonly coordinatorUrl: string;
  readonly to: Addressing;
}

function answer(request: IncomingMessage, response: ServerResponse, text: string): void {
  const { url = '' } = request;
  if (url === '/tally') {
    send(response, 200, json, takeTally());
  } else if (url === '/_batch') {
    const { commands } = JSON.parse(text) as Batch;
    send(response, 200, json, { outcomes: commands.map(({ path, body }) => outcomeOf(path, body)) });
  } else {
    const { status, headers, body } = outcomeOf(url, JSON.parse(text) as Body);
    send(response, status, headers?.['content-type'] ?? json, body);
  }
}

const json = 'application/json';
const problem = { 'content-type': 'application/problem+json' };

function outcomeOf(path: string, { xid, input }: Body) {
  const refused = input.refuse && path === '/stock/action';
  words.set(xid, (words.get(xid) ?? '') + letterOf(path, refused));
  if (refused) return { status: 409, headers: problem, body: { title: 'Refused', detail: 'out of stock' } };
  return { status: 200, headers: undefined, body: { ok: true, xid } };
}

/** How many transactions had which word since the last time. */
function takeTally(): Record<string, number> {
  const tally: Record<string, number> = {};
  for (const word of words.values()) tally[word] = (tally[word] ?? 0) + 1;
  words.clear();
  return tally;
}

function send(response: ServerResponse, status: number, type: string, body: unknown): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

server.keepAliveTimeout = 120_000;
server.listen(0, '127.0.0.1', 1024, () => process.send?.(portOf()));
process.on('message', (message: Join) => void join(message));
process.on('disconnect', () => process.exit());

function portOf(): number {
  return (server.address() as AddressInfo).port;
}

async function join({ coordinatorUrl, to }: Join): Promise<void> {
  const { path, body } = registrationOf(`http://127.0.0.1:${portOf()}`, to);
  const headers = { 'content-type': json };
  const response = await fetch(coordinatorUrl + path, { method: 'PUT', headers, body: JSON.stringify(body) });
  process.send?.(response.status);
}
