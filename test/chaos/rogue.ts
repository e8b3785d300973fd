import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { request } from 'undici';
import type { Scope } from './program.js';

export interface Asked {
  /** The last part of the path. */
  readonly op: string;
  readonly path: string;
  /** How often that op was asked, this time included. */
  readonly count: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Said {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** A participant that says whatever a test wants. It has no database, so what it claims is not true. */
export async function startRogue(scope: Scope, answer: (asked: Asked) => Said | Promise<Said>): Promise<string> {
  const counts = new Map<string, number>();
  const server = createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const { url = '', headers } = incoming;
    const op = url.split('/').at(-1) ?? '';
    const count = (counts.get(op) ?? 0) + 1;
    counts.set(op, count);
    const body = Buffer.concat(chunks).toString();
    const { status, headers: said = {}, body: text = '{}' } = await answer({ op, path: url, count, headers, body });
    outgoing.writeHead(status, { 'content-type': 'application/json', ...said }).end(text);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  scope.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Hands a command on to the participant that it was meant for. */
export async function passOn(to: string, { path, headers, body }: Asked): Promise<Said> {
  const { host: _, connection: __, 'content-length': ___, 'transfer-encoding': ____, ...rest } = headers;
  const answer = await request(`${to}${path}`, { method: 'POST', headers: rest as Record<string, string>, body });
  return {
    status: answer.statusCode,
    headers: { 'content-type': String(answer.headers['content-type']) },
    body: await answer.body.text(),
  };
}
