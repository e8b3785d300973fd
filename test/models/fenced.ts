/** A participant with the real fence over two rows in memory, one command at a time. */

import type { Clock } from '../../sdk/participant/clock.js';
import { type FencedCommand, type FencedWork, runInside } from '../../sdk/participant/fence.js';
import { Refused } from '../../sdk/protocol/answers.js';
import type { ForwardFact } from '../../sdk/protocol/commands.js';
import { type Kind, kinds, type Op, type Phase, phaseOf } from '../../sdk/protocol/kinds.js';
import type { Outcome } from '../../sdk/protocol/outcomes.js';
import type { OpenTransaction } from '../../sdk/resources/database.js';
import type { BranchKey, FenceEnd, FenceRow, Found, Place, Visit } from '../../sdk/resources/fence/table.js';

/** What a participant's database holds of one branch: the rows of its fence, and what took effect, in order. */
export interface Kept extends Found {
  readonly effects: readonly Phase[];
}

export const nothingKept: Kept = { first: undefined, second: undefined, effects: [] };

/** What a model's clock says, always: time passes by making all that is kept older. */
export const now = 3;

export const stoppedClock: Clock = { now: () => now, monotonic: () => now, after: () => () => undefined };

/** What a handler does. `fails`: nothing is known of it, and nothing was done. */
export type Will = 'done' | 'refused' | 'fails';

export interface ModelCommand {
  readonly kind: Kind;
  readonly op: Op;
  readonly forward: ForwardFact | undefined;
}

const key: BranchKey = { origin: 'here', xid: 'tx-1', branch: 1 };

export const fencedCommand = ({ kind, op, forward }: ModelCommand, runMs?: number): FencedCommand => ({
  key,
  op,
  phase: phaseOf(kind, op)!,
  attempt: undefined,
  hasForward: kinds[kind].forward !== undefined,
  forward,
  output: undefined,
  external: runMs !== undefined,
  runMs: runMs ?? 0,
  expiresAt: Number.POSITIVE_INFINITY,
  where: op,
});

/** What the table promises: the rows are put where none are, and one commit keeps them with the work or neither. */
export function visitKept(kept: Kept, committed: (after: Found, end: FenceEnd<unknown>) => void): Visit {
  return async (place, visitor) => {
    const rows = put(kept, place);
    const end = await visitor({ first: kept.first, second: kept.second }, () => ({}) as OpenTransaction);
    if (end.release) for (const { phase } of rows.placed) rows.of[phase] = kept[phase === 1 ? 'first' : 'second'];
    for (const { phase, ...change } of end.set) {
      const row = rows.of[phase];
      if (!row) throw new Error(`the fence changes row ${phase}, which is not there`);
      rows.of[phase] = { op: row.op, ...change };
    }
    committed({ first: rows.of[1], second: rows.of[2] }, end);
    return end.answer;
  };
}

function put({ first, second }: Found, { at, rows }: Place) {
  const of: Record<1 | 2, FenceRow | undefined> = { 1: first, 2: second };
  const placed = rows.filter(({ phase, unlessSettled }) => !of[phase] && !(unlessSettled && second));
  for (const { phase, op, outcome } of placed) of[phase] = { op, outcome, result: null, at };
  return { of, placed };
}

/** Carries out one command in one transaction of the participant's database. */
export async function carryOut(
  kept: Kept,
  command: ModelCommand,
  will: Will,
): Promise<{ kept: Kept; outcome: Outcome }> {
  const fenced = fencedCommand(command);
  let worked = false;
  const work: FencedWork = async () => {
    if (will === 'fails') throw new Error('503');
    if (will === 'refused') throw new Refused('no');
    worked = true;
    return null;
  };
  let after: Kept = kept;
  const visit = visitKept(kept, (rows, { undo }) => {
    after = { ...rows, effects: worked && !undo ? [...kept.effects, fenced.phase] : kept.effects };
  });
  try {
    const answer = await runInside(visit, fenced, work, stoppedClock);
    if (answer.kind === 'refused') return { kept: after, outcome: refusal(answer.reason, answer.code) };
    if (answer.kind === 'done') return { kept: after, outcome: { kind: 'done', output: null } };
    throw new Error(`expected done or refused, got ${answer.kind}`);
  } catch (error) {
    if ((error as Error).message !== '503') throw error;
    return { kept, outcome: { kind: 'unknown', error: '503' } };
  }
}

const refusal = (reason: string, code: string | undefined): Outcome =>
  code === undefined ? { kind: 'refused', reason } : { kind: 'refused', reason, code };

/** The branch as the world sees it: what it did stands, and was neither taken back nor only tried. */
export const standsOf = ({ effects }: Pick<Kept, 'effects'>): 'nothing' | 'forward' | 'commit' =>
  effects.includes('rollback')
    ? 'nothing'
    : effects.includes('commit')
      ? 'commit'
      : effects[0] === 'forward'
        ? 'forward'
        : 'nothing';

export const keyOfKept = ({ first, second, effects }: Kept): string =>
  `${rowKey(first)}/${rowKey(second)}/${effects.map((phase) => phase[0]).join('')}`;

const rowKey = (row: FenceRow | undefined): string => (row ? `${row.op} ${row.outcome}` : '-');
