/** Rows of the registry, read as strictly as those of a log. */
import { kindNames } from '../../sdk/protocol/kinds.js';
import { type Row, reader } from './rows.js';
import type { Instance, RegisteredHandler } from './store.js';

export function toInstance(row: Row): Instance {
  const read = reader(row, `instance ${String(row.participant)}/${String(row.id)}`);
  return {
    participant: read.text('participant'),
    id: read.text('id'),
    url: read.text('url'),
    handlers: handlersOf(read.text('handlers')) ?? read.fail('handlers', 'a JSON array of handlers'),
    checks: read.nullable('checks', read.names),
    resourceGroup: read.nullable('resource_group', read.text),
    batch: read.integer('batch') === 1,
    sdk: read.text('sdk'),
    registeredAt: read.integer('registered_at'),
    renewedAt: read.integer('renewed_at'),
    ttlMs: read.integer('ttl_ms'),
  };
}

/** The same texts come with every round of the sweep, and for every instance of a participant. */
const parsed = new Map<string, readonly RegisteredHandler[]>();
const parsedMax = 1000;

function handlersOf(text: string): readonly RegisteredHandler[] | undefined {
  const known = parsed.get(text);
  if (known) return known;
  const handlers = parse(text);
  if (!Array.isArray(handlers) || !handlers.every(isHandler)) return undefined;
  if (parsed.size >= parsedMax) parsed.clear();
  parsed.set(text, handlers);
  return handlers;
}

const isHandler = (value: unknown): value is RegisteredHandler => {
  const { name, kind, external } = (value ?? {}) as Partial<Record<keyof RegisteredHandler, unknown>>;
  return typeof name === 'string' && kindNames.some((known) => known === kind) && typeof external === 'boolean';
};

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
