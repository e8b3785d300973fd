/**
 * A participant with the real fence whose work is outside of its database: between the commit that begins a run and the one
 * that ends it, anything may happen. To go on with a run, the real code is led to the same place once more: its first visit
 * finds what it found then, and what it would write again is thrown away.
 */
import type { Clock } from '../../sdk/participant/clock.js';
import type { Answer } from '../../sdk/participant/command.js';
import { runFenced } from '../../sdk/participant/fence.js';
import { Pending, Refused } from '../../sdk/protocol/answers.js';
import type { FenceTable, Found, Visit } from '../../sdk/resources/fence/table.js';
import { fencedCommand, type Kept, type ModelCommand, visitKept, type Will } from './fenced.js';

/** How long a run may take, in ticks. */
export const runMs = 1;

/** A run that was begun and has not ended. */
export interface Run {
  readonly command: ModelCommand;
  readonly startedAt: number;
  /** What its first visit found. */
  readonly found: Found;
}

export type Begun = { readonly kept: Kept } & ({ readonly answer: Answer } | { readonly run: Run });

/** A command comes: it is answered at once, or its run begins. */
export async function begin(kept: Kept, command: ModelCommand, now: number): Promise<Begun> {
  let after = kept;
  const visit = visitKept(kept, (rows) => {
    after = { ...rows, effects: kept.effects };
  });
  const answer = await new Promise<Answer | undefined>((resolve, reject) => {
    const work = (): Promise<never> => {
      resolve(undefined);
      return new Promise(() => undefined);
    };
    runFenced(
      tableOf(visit),
      fencedCommand(command, runMs),
      work,
      clockAt(() => now),
    ).then(resolve, reject);
  });
  if (answer) return { kept: after, answer };
  return { kept: after, run: { command, startedAt: now, found: { first: kept.first, second: kept.second } } };
}

/** What a handler outside comes to. `pending`: it has begun something, and asks for time. */
export type OuterWill = Will | 'pending';

/** The handler of a run has ended. Undefined: nobody is answered. */
export async function end(
  kept: Kept,
  { command, startedAt, found }: Run,
  will: OuterWill,
  now: number,
): Promise<{ readonly kept: Kept; readonly answer: Answer | undefined }> {
  let at = startedAt;
  let after = kept;
  const again = visitKept({ ...found, effects: [] }, () => undefined);
  const last = visitKept(kept, (rows) => {
    after = { ...rows, effects: kept.effects };
  });
  const visit: Visit = (place, visitor) => (at === startedAt && place.rows.length > 0 ? again : last)(place, visitor);
  const work = async (): Promise<null> => {
    at = now;
    if (will === 'fails') throw new Error('503');
    if (will === 'refused') throw new Refused('no');
    if (will === 'pending') throw new Pending({ retryAfterMs: 1 });
    return null;
  };
  const said = runFenced(
    tableOf(visit),
    fencedCommand(command, runMs),
    work,
    clockAt(() => at),
  );
  return { answer: await said.catch(() => undefined), kept: after };
}

const clockAt = (now: () => number): Clock => ({ now, monotonic: now, after: () => () => undefined });

const tableOf = (visit: Visit): FenceTable => ({ prepare: async () => undefined, visit, clean: async () => 0 });
