/** Whole coordinators on a file, and participants that register with them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { loadConfig } from '../../coordinator/config.js';
import { run } from '../../coordinator/main.js';
import { bodyOf } from '../dispatch/participants.js';
import type { Served } from './serving.js';

export async function tempStore(t: ExecutionContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'concordat-registry-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  return `sqlite:${join(directory, 'store.db')}`;
}

export interface Started {
  readonly url: string;
  ask(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Served>;
  /** Opens a plan of one step for `stock/reserve`; resolves when it is final, or with its state after `waitSeconds`. */
  order(waitSeconds: number, more?: object): Promise<Served>;
  stop(): Promise<void>;
}

export async function startCoordinator(
  t: ExecutionContext,
  store: string,
  flags: Record<string, string> = {},
  env: Record<string, string> = {},
): Promise<Started> {
  const config = loadConfig({
    flags: { listen: '127.0.0.1:0', store, logLevel: 'silent', sweepMs: '100', stopGraceMs: '100', ...flags },
    env,
    directory: '/nonexistent',
  });
  const running = await run(config);
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopped ??= running.stop();
    return stopped;
  };
  t.teardown(stop);
  const { url } = running;
  const ask: Started['ask'] = async (method, path, body, headers = {}) => {
    const type: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
    const text = body === undefined ? null : JSON.stringify(body);
    const response = await fetch(url + path, { method, headers: { ...type, ...headers }, body: text });
    return { status: response.status, headers: response.headers, body: await response.json() };
  };
  const order: Started['order'] = (waitSeconds, more = {}) => {
    const steps = [{ id: 'reserve', participant: 'stock', handler: 'reserve', input: { sku: 'tea' } }];
    return ask('POST', '/v1/transactions', { name: 'order', steps, ...more }, { prefer: `wait=${waitSeconds}` });
  };
  return { url, ask, order, stop };
}

export interface HostStarted {
  readonly url: string;
  /** Paths of the requests that came. */
  readonly paths: string[];
  stop(): Promise<void>;
}

/** A host that does everything that it is asked. */
export async function startHost(t: ExecutionContext): Promise<HostStarted> {
  const paths: string[] = [];
  const server = createServer(async (request, response) => {
    const text = await bodyOf(request);
    paths.push(request.url ?? '');
    const { commands } = JSON.parse(text);
    response.writeHead(200, { 'content-type': 'application/json' });
    if (request.url?.endsWith('/check')) response.end('{"decision":"rollback"}');
    else response.end(commands ? JSON.stringify({ outcomes: commands.map(() => ({ status: 200 })) }) : '{"ok":true}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    });
  t.teardown(stop);
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, paths, stop };
}

export const registration = (url: string, more: object = {}) => ({
  url,
  handlers: [{ name: 'reserve', kind: 'saga' }],
  sdk: 'test/1',
  ttlMs: 60_000,
  ...more,
});

export const stockOne = '/v1/participants/stock/instances/one';
