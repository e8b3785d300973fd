import type { Json } from '../../sdk/protocol/json.js';
import type { EventView } from '../../sdk/protocol/views.js';
import type { LogRow } from '../store/store.js';
import { iso } from './views.js';

/** Fields of events that are times; on the wire a time is a string. */
const times = new Set(['dueAt', 'deadlineAt', 'deliverAt', 'expiresAt']);

/** The events of a log in order. */
export const eventViews = (rows: readonly LogRow[]): readonly EventView[] =>
  rows.flatMap((row) =>
    (JSON.parse(row.events) as { readonly [field: string]: Json }[]).map(({ type, ...fields }, index) => ({
      seq: row.seq,
      index,
      type: String(type),
      at: iso(row.at),
      ...withTimes(fields),
    })),
  );

function withTimes(fields: { readonly [field: string]: Json }): { readonly [field: string]: Json } {
  const shown: Record<string, Json> = {};
  for (const [field, value] of Object.entries(fields)) {
    if (times.has(field) && typeof value === 'number') shown[field] = timeOf(value);
    else if (field === 'spec') shown[field] = withTimes(value as { readonly [field: string]: Json });
    else if (field === 'branches' && Array.isArray(value)) shown[field] = value.map((spec) => withTimes(spec as never));
    else shown[field] = value;
  }
  return shown;
}

/** Time zero says "no longer". */
const timeOf = (ms: number): string | null => (ms > 0 ? iso(ms) : null);
