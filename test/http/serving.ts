/** A real coordinator with its door, on a store in memory, for tests. */
import type { ExecutionContext } from 'ava';
import { type Clock, systemChance, systemClock } from '../../coordinator/clock.js';
import { type Config, loadConfig } from '../../coordinator/config.js';
import { startCoordinator } from '../../coordinator/coordinator.js';
import { allowList } from '../../coordinator/dispatch/allow.js';
import { Registry } from '../../coordinator/dispatch/registry.js';
import type { Reply } from '../../coordinator/dispatch/transport.js';
import { createDoor } from '../../coordinator/http/door.js';
import { Keyring } from '../../coordinator/http/keys.js';
import { lookoutOn } from '../../coordinator/http/lookout.js';
import type { StreamLimits } from '../../coordinator/http/streams.js';
import { type Log, silentLog } from '../../coordinator/observe/log.js';
import { Metrics } from '../../coordinator/observe/metrics.js';
import { Tally, talliedStore } from '../../coordinator/observe/tally.js';
import { memoryDisk, memoryStore } from '../../coordinator/store/memory.js';
import type { Store } from '../../coordinator/store/store.js';
import type { Command } from '../../sdk/protocol/commands.js';
import type { Kind } from '../../sdk/protocol/kinds.js';

export interface ServingOptions {
  readonly flags?: Record<string, string>;
  readonly env?: Record<string, string>;
  /** What participants answer; done with `{ok: id}` unless it says otherwise. */
  readonly answer?: (command: Command) => Reply | Promise<Reply>;
  /** Kinds by `participant/handler`. */
  readonly kinds?: Record<string, Kind>;
  readonly log?: Log;
  readonly changeStore?: (store: Store) => Store;
  readonly streams?: Partial<StreamLimits>;
  readonly metrics?: boolean;
}

export interface Served {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came.
  readonly body: any;
}

export interface Serving {
  readonly url: string;
  readonly store: Store;
  readonly config: Config;
  readonly keys: Keyring;
  readonly sent: Command[];
  get(path: string, headers?: Record<string, string>): Promise<Served>;
  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<Served>;
  request(path: string, init: RequestInit): Promise<Served>;
  /** Everything that is stored, counted. */
  stored(): Promise<number>;
  close(): Promise<void>;
}

export async function startServing(t: ExecutionContext, options: ServingOptions = {}): Promise<Serving> {
  const { flags = {}, env = {}, answer, kinds = {}, log = silentLog } = options;
  const config = loadConfig({ flags: { listen: '127.0.0.1:0', ...flags }, env, directory: '/nonexistent' });
  const [clock, chance] = [systemClock(), systemChance()];
  const sent: Command[] = [];
  const keys = new Keyring(config.apiKeys);
  const { store, lookout } = observed(options, clock, memoryStore({ disk: memoryDisk(chance) }));
  const registry = new Registry({ store, clock, log });
  const coordinator = await startCoordinator({
    store,
    clock,
    chance,
    log,
    leaseMs: config.leaseMs,
    sweepMs: config.sweepMs,
    onBroken: () => undefined,
    transport: {
      async send(command) {
        sent.push(command);
        return (await answer?.(command)) ?? { kind: 'done', output: { ok: command.body.id } };
      },
      close: async () => undefined,
    },
  });
  const door = createDoor({
    engine: coordinator.engine,
    controls: coordinator.controls,
    store,
    config,
    clock,
    chance,
    log,
    allow: allowList(config.allow),
    lookout,
    keys,
    directory: {
      kindOf: (participant, handler) => kinds[`${participant}/${handler}`],
      answersCheck: (participant, name) => kinds[`${participant}/${name}`] !== undefined,
    },
    registry,
  });
  const url = await door.listen();
  const close = async (): Promise<void> => {
    await door.close(100);
    await coordinator.stop(100);
  };
  t.teardown(close);
  return {
    url,
    store,
    config,
    keys,
    sent,
    close,
    request: (path, init) => ask(url + path, init),
    get: (path, headers = {}) => ask(url + path, { headers }),
    post: (path, body, headers = {}) =>
      ask(url + path, {
        method: 'POST',
        headers: body === undefined ? headers : { 'content-type': 'application/json', ...headers },
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      }),
    stored: async () => (await store.list({ statuses: [], limit: 500 })).items.length,
  };
}

/** The store as it is seen from above, and what is seen of it. */
function observed(
  { changeStore = (same) => same, metrics: asked, ...options }: ServingOptions,
  clock: Clock,
  on: Store,
) {
  const { log = silentLog, streams } = options;
  const tally = new Tally(clock);
  const metrics = asked ? new Metrics(tally) : undefined;
  const store = talliedStore(changeStore(on), tally, clock, (ms) => metrics?.appended(ms));
  return { store, lookout: lookoutOn({ store, clock, log, streams, tally, metrics }) };
}

async function ask(url: string, init: RequestInit): Promise<Served> {
  const response = await fetch(url, init);
  // A stream would not end by itself.
  const isStream = response.headers.get('content-type')?.includes('event-stream') ?? false;
  if (isStream) await response.body?.cancel();
  const text = isStream ? '' : await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') ?? false;
  return { status: response.status, headers: response.headers, body: isJson && text !== '' ? JSON.parse(text) : text };
}

/** A plan of saga steps. */
export const planOf = (...ids: readonly string[]) => ({
  name: 'checkout',
  steps: ids.map((id) => ({ id, kind: 'saga' as const, url: `http://127.0.0.1:9/${id}`, input: { id } })),
});
