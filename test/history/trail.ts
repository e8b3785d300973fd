/** All that is known of one transaction while it goes on. */
import type { State } from '../../coordinator/decide/state.js';
import type { Decision } from '../../sdk/protocol/views.js';
import type { EffectRecord, RowRecord, ToldRecord, WonRecord } from './records.js';

export interface Trail {
  readonly xid: string;
  readonly rows: RowRecord[];
  readonly effects: EffectRecord[];
  /** What was promised of it; held against the whole log at its end. */
  readonly claims: (ToldRecord | WonRecord)[];
  /** The fold of its rows. */
  state: State | undefined;
  /** Its log does not fold: said once, and nothing more is concluded from it. */
  isBroken: boolean;
  /** Branches that were parked at some time: they hold back nobody's undo. */
  parked: Set<number> | undefined;
  /** By what people did, each `by` as often as it is in the log. */
  deeds: Map<string, number> | undefined;
  marker: Decision | undefined;
}

export const newTrail = (xid: string): Trail => ({
  xid,
  rows: [],
  effects: [],
  claims: [],
  state: undefined,
  isBroken: false,
  parked: undefined,
  deeds: undefined,
  marker: undefined,
});

/** Its log and its effects, to be read by a person. */
export function storyOf({ rows, effects }: Trail): readonly string[] {
  const log = rows.map(({ seq, at, appender, events }) => `${at} ${seq} by ${appender.slice(0, 6)}: ${brief(events)}`);
  const done = effects.map(
    ({ at, order, branch, op, participant }) =>
      `+${at ?? ''} effect${order === undefined ? '' : ` ${order}`}: ${branch}.${op} at ${participant}`,
  );
  return [...log, ...done];
}

const brief = (events: RowRecord['events']): string =>
  (typeof events === 'string' ? (JSON.parse(events) as readonly { readonly type: string }[]) : events)
    .map((event) => (event.type === 'opened' ? 'opened' : JSON.stringify(event)))
    .join(' ');
