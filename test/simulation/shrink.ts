/** Makes a failing seed smaller: fewer faults, fewer transactions, fewer coordinators, as long as it still fails the same way. */
import { type Outcome, run } from './run.js';
import type { Limits } from './settings.js';
import type { Fault } from './weather.js';

export interface Shrunk {
  readonly outcome: Outcome;
  readonly limits: Limits;
  readonly runs: number;
}

/** `onTry` is called before each try; there are at most `runsMax`. */
export async function shrink(failed: Outcome, limits: Limits, onTry: () => void, runsMax = 200): Promise<Shrunk> {
  const invariant = failed.violations[0]?.invariant;
  let best = { outcome: failed, limits };
  let runs = 0;
  const attempt = async (change: Limits): Promise<boolean> => {
    if (++runs > runsMax) return false;
    onTry();
    // What others are told about it goes out here.
    await new Promise((resolve) => setImmediate(resolve));
    const tried = { ...best.limits, ...change };
    const outcome = await run(failed.seed, tried);
    if (!outcome.violations.some((each) => each.invariant === invariant)) return false;
    best = { outcome, limits: tried };
    return true;
  };
  await attempt({ plain: true });
  await attempt({ store: 'memory' });
  for (const coordinators of [1, 2, 3]) if (await attempt({ coordinators })) break;
  for (const fault of failed.on) await attempt({ without: with_(best.limits.without, fault) });
  for (const transactions of [1, 2, 3, 4, 6, 8]) if (await attempt({ transactions })) break;
  for (const fault of best.outcome.on) await attempt({ without: with_(best.limits.without, fault) });
  const outcome = await run(failed.seed, { ...best.limits, keepTrace: true });
  return { outcome, limits: best.limits, runs };
}

const with_ = (without: ReadonlySet<Fault> | undefined, fault: Fault): ReadonlySet<Fault> =>
  new Set([...(without ?? []), fault]);

/** The one command that runs it again. */
export function replayCommand(seed: number, { coordinators, transactions, without, plain, store }: Limits): string {
  const words = [`--from ${seed} --seeds 1`];
  if (coordinators !== undefined) words.push(`--coordinators ${coordinators}`);
  if (transactions !== undefined) words.push(`--transactions ${transactions}`);
  if (without && without.size > 0) words.push(`--without '${[...without].join(';')}'`);
  if (plain) words.push('--plain');
  if (store) words.push(`--store ${store}`);
  return `npm run simulate -- ${words.join(' ')}`;
}
