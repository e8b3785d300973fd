/** The participant process: bare node:http, handlers that do nothing but note what they were asked. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { letterOf, type StepInput } from './work.js';

/** By xid, the word of the commands that came. */
const words = new Map<string, string>();

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => answer(request, response, Buffer.concat(chunks).toString()));
});

function answer(request: IncomingMessage, response: ServerResponse, text: string): void {
  if (request.url === '/tally') {
    send(response, 200, 'application/json', takeTally());
    return;
  }
  const { xid, input } = JSON.parse(text) as { xid: string; input: StepInput };
  const refused = input.refuse && request.url === '/stock/action';
  words.set(xid, (words.get(xid) ?? '') + letterOf(request.url ?? '', refused));
  if (refused) send(response, 409, 'application/problem+json', { title: 'Refused', detail: 'out of stock' });
  else send(response, 200, 'application/json', { ok: true, xid });
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
server.listen(0, '127.0.0.1', 1024, () => process.send?.((server.address() as AddressInfo).port));
process.on('disconnect', () => process.exit());
