/** Rows of what operators set for participants, read as strictly as those of a log. */
import { type Row, reader } from './rows.js';
import type { ParticipantChange, ParticipantRow } from './store.js';

export function toParticipant(row: Row): ParticipantRow {
  const read = reader(row, `participant ${String(row.name)}`);
  const number = (column: string): number => {
    const value = row[column];
    return typeof value === 'number' && value > 0 ? value : read.fail(column, 'a number above 0');
  };
  return {
    name: read.text('name'),
    concurrency: read.nullable('concurrency', read.integer),
    perSecond: read.nullable('per_second', number),
    paused: read.integer('paused') === 1,
  };
}

/** The row after a change; what it does not name stays. */
export const changed = (
  { name, ...change }: ParticipantChange,
  before: Omit<ParticipantRow, 'name'> = { concurrency: null, perSecond: null, paused: false },
): ParticipantRow => ({
  name,
  concurrency: change.concurrency === undefined ? before.concurrency : change.concurrency,
  perSecond: change.perSecond === undefined ? before.perSecond : change.perSecond,
  paused: change.paused ?? before.paused,
});

/** Whether something is set otherwise than before. */
export const isAnother = (after: ParticipantRow, before: ParticipantRow = changed({ name: after.name })): boolean =>
  after.concurrency !== before.concurrency || after.perSecond !== before.perSecond || after.paused !== before.paused;
