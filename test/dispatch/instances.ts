/** A registry over a store in memory, and hosts that take batches. */
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { ExecutionContext } from 'ava';
import { systemChance } from '../../coordinator/clock.js';
import { Registry } from '../../coordinator/dispatch/registry.js';
import { silentLog } from '../../coordinator/observe/log.js';
import { type MemoryDisk, memoryDisk, memoryStore } from '../../coordinator/store/memory.js';
import type { Registration } from '../../coordinator/store/store.js';
import type { Command, CommandBody } from '../../sdk/protocol/commands.js';
import { type ManualClock, manualClock } from '../helpers/clock.js';
import { bodyOf, command, httpParticipant } from './participants.js';

export const instance = (change: Partial<Registration> = {}): Registration => ({
  participant: 'stock',
  id: 'one',
  url: 'http://127.0.0.1:9',
  handlers: [{ name: 'reserve', kind: 'saga', external: false }],
  checks: null,
  resourceGroup: null,
  batch: false,
  sdk: 'test/1',
  ttlMs: 30_000,
  ...change,
});

export interface Known {
  readonly registry: Registry;
  readonly clock: ManualClock;
  readonly disk: MemoryDisk;
}

/** A registry by itself; with a disk, that of another coordinator on the same store. */
export function registryOn(disk: MemoryDisk = memoryDisk(systemChance()), clock = manualClock()): Known {
  const store = memoryStore({ disk, time: { wall: () => clock.now(), monotonic: () => clock.monotonic() } });
  return { registry: new Registry({ store, clock, log: silentLog }), clock, disk };
}

export const toStock = { participant: 'stock', handler: 'reserve' } as const;

/** So many first attempts for the handler of {@link instance}. */
export const commands = (count: number, change: Partial<Omit<Command, 'body'>> = {}): Command[] =>
  Array.from({ length: count }, (_, index) =>
    command(toStock, { input: { index } }, { expiresAt: Date.now() + 10_000, ...change }),
  );

/** A command of a batch, as a host gets it. */
export interface Item {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: CommandBody;
}

export interface Got {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** Of a batch. */
  readonly items: readonly Item[];
}

export interface Host {
  readonly url: string;
  /** Every request, in order. */
  readonly got: Got[];
}

/** A host that answers batches as `answer` does, and everything else as `answerOne`: with 200 and nothing. */
export async function host(
  t: ExecutionContext,
  answer: (response: ServerResponse, items: readonly Item[]) => unknown,
  answerOne: (response: ServerResponse) => unknown = (response) => response.end(),
): Promise<Host> {
  const got: Got[] = [];
  const url = await httpParticipant(t, async (request, response) => {
    const text = await bodyOf(request);
    const { url: path = '', headers } = request;
    const isBatch = path.endsWith('/_batch');
    const items: readonly Item[] = isBatch ? JSON.parse(text).commands : [];
    got.push({ path, headers, text, items });
    if (isBatch) await answer(response, items);
    else answerOne(response);
  });
  return { url, got };
}

export const answerWith = (response: ServerResponse, body: unknown, type = 'application/json', status = 200): void =>
  void response.writeHead(status, { 'content-type': type }).end(typeof body === 'string' ? body : JSON.stringify(body));

export const ndjson = 'application/x-ndjson';
