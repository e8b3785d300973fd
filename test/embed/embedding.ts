/** Embedded coordinators for tests, with participants whose effects can be looked at. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import { type Embedded, type EmbedOptions, embed } from '../../coordinator/index.js';
import { type Branch, type Json, participant, type Settle, saga } from '../../sdk/index.js';

export async function temporary(t: ExecutionContext): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), 'concordat-embed-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** In memory and without a log, unless told otherwise; closed when the test ends. */
export async function embedded(t: ExecutionContext, options: Partial<EmbedOptions>): Promise<Embedded> {
  const made = await embed({ store: 'sqlite::memory:', participants: [], log: 'silent', stopGraceMs: 100, ...options });
  t.teardown(() => made.close());
  return made;
}

/** What the action of {@link echo} does with its input; `compensate` of it does nothing. */
export type Act = (input: Json, tx: Branch) => unknown;

export interface Echo {
  readonly participant: object;
  /** Every call, as `op input`. */
  readonly calls: string[];
}

/** A participant with one handler, `run`, without a fence: it notes its calls and answers what `act` says. */
export function echo(name: string, act: Act = (input) => input): Echo {
  const calls: string[] = [];
  const note = (op: string, input: unknown): void => void calls.push(`${op} ${JSON.stringify(input)}`);
  const run = saga({
    fence: 'none',
    async action(input: Json, tx) {
      note('action', input);
      return (await act(input, tx)) as Json;
    },
    async compensate(input, _tx: Settle<Json>) {
      note('compensate', input);
    },
  });
  return { participant: participant({ name, handlers: { run } }), calls };
}

/** A plan of one step each for these participants, one after the other; the input is the participant's name. */
export const planOf = (...names: readonly string[]) => ({
  name: 'checkout',
  steps: names.map((name) => ({ id: name, participant: name, handler: 'run', input: name })),
});
