/** What people do about a transaction that is parked: they ask again, or look at the databases and say what is true. */
import type { InputOf, Resolution } from '../../coordinator/decide/inputs.js';
import type { Branch } from '../../coordinator/decide/state.js';
import { phaseOf } from '../../sdk/protocol/kinds.js';
import type { Step } from './explore.js';
import { type Kept, now } from './fenced.js';
import { put } from './putting.js';
import { spend, type World } from './world.js';

export function peopleSteps(world: World): readonly Step<World>[] {
  const { log, left, coordinators } = world;
  if (!log?.parked || left.people === 0) return [];
  const { id } = coordinators[0]!;
  const next = { ...world, left: spend(left, 'people') };
  const retry: Step<World> = {
    label: 'a person asks to try again',
    isFault: true,
    take: () => put(next, id, [{ type: 'retry', by: 'ann' }]),
  };
  return [retry, ...[true, false].flatMap((settle) => resolution(next, settle))];
}

/** All that is parked and not under way any more. `settle`: the person does by hand what the op would have done. */
function resolution(world: World, settle: boolean): readonly Step<World>[] {
  const parked = world.log!.branches.filter(({ stage }) => stage.at === 'parked' && stage.expiresAt <= now);
  if (parked.length === 0) return [];
  const take = (): World => {
    const branches = parked.map((branch) => asItIs(branch, world.kept[branch.number - 1]!, settle));
    const skipped = branches.filter(({ as }) => as === 'skipped').map(({ branch }) => branch);
    const kept = world.kept.map((its, index) => (settle ? settled(parked, index + 1, its) : its));
    const input: InputOf<'resolve'> = { type: 'resolve', by: 'ann', branches };
    return put({ ...world, kept, excused: [...world.excused, ...skipped] }, world.coordinators[0]!.id, [input]);
  };
  return [{ label: `a person decides by hand, ${settle ? 'as it should be' : 'as it is'}`, isFault: true, take }];
}

function asItIs({ number, kind, stage }: Branch, { effects }: Kept, settle: boolean): Resolution {
  const isForward = stage.at === 'parked' && phaseOf(kind, stage.op) === 'forward';
  const as = (isForward ? effects.includes('forward') : settle) ? 'done' : 'skipped';
  return { branch: number, as, output: null, reason: 'looked' };
}

/** The person does what was asked, where it is not done: by hand, so that no fence knows. */
function settled(parked: readonly Branch[], number: number, kept: Kept): Kept {
  const branch = parked.find((one) => one.number === number);
  const phase = branch?.stage.at === 'parked' ? phaseOf(branch.kind, branch.stage.op) : undefined;
  if (!phase || phase === 'forward' || kept.effects.includes(phase)) return kept;
  if (phase === 'rollback' && !kept.effects.includes('forward')) return kept;
  return { ...kept, effects: [...kept.effects, phase] };
}
