/**
 * Two coordinators and one log. Each decides upon what it remembers, and its row arrives at any later time.
 *
 * Real: the mind, the fold, the row that is sent, the groups that appends go in, and the store in memory. Of the model: when
 * what is done, commits whose answer is lost or that fail, and a store that loses its tail.
 */
import type { Event } from '../../coordinator/decide/events.js';
import { applyEvent, asOf, foldRow } from '../../coordinator/decide/fold.js';
import type { Input } from '../../coordinator/decide/inputs.js';
import { outstanding } from '../../coordinator/decide/outstanding.js';
import type { State } from '../../coordinator/decide/state.js';
import { decideAll, foldLog } from '../../coordinator/engine/deciding.js';
import { appendOf, rowFrom, summaryOf } from '../../coordinator/engine/rows.js';
import type { GroupWriter } from '../../coordinator/store/group.js';
import { memoryDisk, memoryStore } from '../../coordinator/store/memory.js';
import type { Append, LogRow } from '../../coordinator/store/store.js';
import type { AppendId, CoordinatorId } from '../../sdk/protocol/ids.js';
import { whyIllegal } from '../decide/legal-event.js';
import { draw } from './ageing.js';
import type { Model, Step } from './explore.js';
import { now } from './fenced.js';
import { xid } from './world.js';

interface Appender {
  readonly id: CoordinatorId;
  /** What it remembers; undefined: it must read. */
  readonly sees: State | undefined;
  /** A row on its way to the store, and what is then known. */
  readonly sent: { readonly append: Append; readonly state: State; readonly input: Input } | undefined;
}

export interface AppendBudget {
  /** The answer of a commit is lost, also when it is looked up, or the commit fails. */
  readonly failures: number;
  /** The store loses its last row. */
  readonly tails: number;
}

export interface AppendWorld {
  /** In their places; one that is missing is a gap. */
  readonly rows: readonly (LogRow | undefined)[];
  readonly appenders: readonly Appender[];
  readonly requests: readonly Input[];
  /** What clients ask again when they see that it is gone. */
  readonly askedAgain: readonly Input[];
  /** Rows that a coordinator knows to be durable, while the store has lost none. */
  readonly acknowledged: readonly AppendId[];
  readonly left: AppendBudget;
  /** Rows sent so far. */
  readonly born: number;
}

export const appendModel = (name: string, requests: readonly Input[], left: AppendBudget): Model<AppendWorld> => ({
  name,
  initial: {
    rows: [],
    appenders: ['a', 'b'].map((id) => ({ id: id as CoordinatorId, sees: undefined, sent: undefined })),
    requests,
    askedAgain: requests,
    acknowledged: [],
    left,
    born: 0,
  },
  next: (world) => [...world.appenders.flatMap((one) => stepsOf(world, one)), ...tailSteps(world)],
  keyOf,
  wrongIn,
  isFinal: ({ rows, appenders }) => isEnded(rows) && appenders.every(({ sent }) => !sent),
  mustEnd: true,
});

type Steps = readonly Step<AppendWorld>[];

const isEnded = (rows: AppendWorld['rows']): boolean => rows.at(-1)?.events.includes('"ended"') ?? false;

function stepsOf(world: AppendWorld, one: Appender): Steps {
  const { id, sees, sent } = one;
  if (sent) return sendings(world, one);
  const reading: Step<AppendWorld> = {
    label: `${id} reads the log`,
    take: () => change(world, { ...one, sees: foldLog(world.rows.filter((row) => row !== undefined)) }),
  };
  return [reading, ...inputsFor(world, sees).map((input) => decision(world, one, input))];
}

const change = (world: AppendWorld, changed: Appender): AppendWorld => ({
  ...world,
  appenders: world.appenders.map((one) => (one.id === changed.id ? changed : one)),
});

/** What a client may ask, and the answers to what is asked. */
function inputsFor({ requests }: AppendWorld, sees: State | undefined): readonly Input[] {
  if (!sees) return requests.slice(0, 1);
  const answers = outstanding(sees).map(
    ({ branch, work }): Input => ({
      type: 'outcome',
      branch,
      op: work.op,
      attempt: work.attempt,
      outcome: { kind: 'done', output: null },
    }),
  );
  return [...answers, ...requests];
}

function decision(world: AppendWorld, one: Appender, input: Input): Step<AppendWorld> {
  const { id, sees } = one;
  const take = (): AppendWorld => {
    const moment = { now, draw, me: id };
    const waiting = { input, answers: undefined, resolve: () => undefined, reject: () => undefined };
    const { events, state } = decideAll(xid, sees, [waiting], moment);
    // Nothing to write: a "no" is only given upon a state that is read for it.
    if (events.length === 0 || !state) return change(world, { ...one, sees: undefined });
    const row = rowFrom(xid, sees, events, moment, `r${world.born}`);
    const after = asOf(state, row);
    const append = appendOf(row, sees?.append ?? null, sees && summaryOf(sees), summaryOf(after));
    return { ...change(world, { ...one, sent: { append, state: after, input } }), born: world.born + 1 };
  };
  return { label: `${id} decides '${input.type}' upon row ${sees?.seq ?? 0}`, take };
}

/** How a commit may go. */
const ways = {
  well: undefined,
  'and its answer is lost': (writer: GroupWriter) => ({ ...failing(writer, 'after'), present: writer.present }),
  'and nothing is heard of it': (writer: GroupWriter) => failing(writer, 'after'),
  'and the store is away': (writer: GroupWriter) => failing(writer, 'before'),
} as const;

function failing(writer: GroupWriter, when: 'before' | 'after'): GroupWriter {
  const lost = () => Promise.reject(new Error('connection lost'));
  return {
    commit: async (group) => {
      if (when === 'after') await writer.commit(group);
      return lost();
    },
    present: lost,
    verdict: () => 'outage',
  };
}

function sendings(world: AppendWorld, one: Appender): Steps {
  const { left } = world;
  const names = Object.keys(ways) as (keyof typeof ways)[];
  return names.flatMap((way) => {
    const isFault = way !== 'well';
    if (isFault && left.failures === 0) return [];
    const next = isFault ? { ...world, left: { ...left, failures: left.failures - 1 } } : world;
    const { append } = one.sent!;
    const label = `row ${append.seq} of ${one.id} arrives${isFault ? `, ${way}` : ''}`;
    return [{ label, isFault, take: () => arrive(next, one, way) }];
  });
}

async function arrive(world: AppendWorld, { id, sent }: Appender, way: keyof typeof ways): Promise<AppendWorld> {
  const { append, state, input } = sent!;
  const disk = memoryDisk({ id: () => '', draw: () => draw, uuid: () => '' });
  disk.logs.set(xid, [...world.rows] as LogRow[]);
  const before = ways[way];
  const store = memoryStore({ disk, ...(before && { before }) });
  const answer = await store.append(append).catch(() => 'unknown' as const);
  // What is answered before it is there is seen here, before the rest of it runs.
  const rows = [...disk.logs.get(xid)!];
  const hasWon = answer === 'won';
  const isThere = rows.some((row) => row?.append === append.append);
  if (answer === 'lost' && isThere) throw new Error(`row ${append.seq} of ${id} was said to be lost, and is there`);
  const next = change({ ...world, rows }, { id, sees: hasWon ? state : undefined, sent: undefined });
  if (!hasWon) return next;
  const requests = world.requests.filter((request) => request !== input);
  return { ...next, requests, acknowledged: [...world.acknowledged, append.append] };
}

function tailSteps(world: AppendWorld): Steps {
  const { left, rows } = world;
  if (left.tails === 0 || rows.length < 2) return [];
  const less = { ...left, tails: left.tails - 1 };
  const take = (): AppendWorld => ({
    ...world,
    rows: rows.slice(0, -1),
    requests: world.askedAgain,
    acknowledged: [],
    left: less,
  });
  return [{ label: `the store loses row ${rows.length}`, isFault: true, take }];
}

/** I3, I11: what was acknowledged is there; no gap; each row folds, and each event is legal for the state before it. */
function wrongIn({ rows, acknowledged }: AppendWorld): string | undefined {
  const gone = acknowledged.find((append) => !rows.some((row) => row?.append === append));
  if (gone !== undefined) return `I3 ${gone} was acknowledged and is not there`;
  let state: State | undefined;
  for (const [index, row] of rows.entries()) {
    if (row?.seq !== index + 1) return `I11 a gap at row ${index + 1}`;
    const events = JSON.parse(row.events) as readonly Event[];
    const why = whyNot(state, events, row);
    if (why) return `I11 row ${row.seq}: ${why}`;
    state = foldRow(state, { ...row, events });
  }
  return undefined;
}

function whyNot(before: State | undefined, events: readonly Event[], row: LogRow): string | undefined {
  let state = before;
  for (const event of events) {
    const why = whyIllegal(state, event, { ...row, events });
    if (why) return `'${event.type}' where ${why}`;
    state = applyEvent(state, event, { ...row, events });
  }
  return undefined;
}

/** Rows are told apart by what they say and by which of the others they are, not by the names that they happen to have. */
function keyOf({ rows, appenders, requests, acknowledged, left }: AppendWorld): string {
  const ranks = new Map<AppendId | null | undefined, number>();
  const rank = (append: AppendId | null | undefined): number => {
    if (!ranks.has(append)) ranks.set(append, ranks.size);
    return ranks.get(append)!;
  };
  const log = rows.map((row) => `${rank(row?.append)}${row?.appender}${row?.events}`);
  const each = appenders.map(({ sees, sent }) => {
    const on = sent && `${rank(sent.append.append)}${rank(sent.append.seen)}${sent.append.events}`;
    return `${sees && `${rank(sees.append)}:${sees.seq}`}>${on}`;
  });
  return [log, each, requests.map(({ type }) => type), acknowledged.map(rank), left.failures, left.tails].join('#');
}
