/** What people do to a transaction, each under a name of its own. */
import type { Resolution } from '../../coordinator/decide/inputs.js';
import { foldLog } from '../../coordinator/engine/deciding.js';
import type { Xid } from '../../sdk/protocol/ids.js';
import type { Dice } from './chance.js';
import type { Simulation } from './simulation.js';
import type { Fault } from './weather.js';

export async function retry(simulation: Simulation, xid: Xid, fault?: Fault): Promise<void> {
  const by = simulation.nextOperator();
  const { said, handled } = await simulation.ask(xid, by, { type: 'retry', by });
  if (said !== 'answered' || !handled) return;
  if (fault && handled.changed) simulation.weather.took(fault);
  simulation.deeds.push({ xid, by, what: 'retry', changed: handled.changed, branches: 1 });
}

/** Decides what is parked by hand. */
export async function resolve(simulation: Simulation, xid: Xid, fault?: Fault): Promise<void> {
  const state = foldLog(simulation.disk.logs.get(xid) ?? []);
  const parked = state?.branches.filter(({ stage }) => stage.at === 'parked') ?? [];
  if (parked.length === 0) return;
  const by = simulation.nextOperator();
  const branches: readonly Resolution[] = parked.map(({ number }) => ({
    branch: number,
    as: simulation.dice.chance(0.5) ? 'done' : 'skipped',
    output: null,
    reason: by,
  }));
  const { said, handled } = await simulation.ask(xid, by, { type: 'resolve', branches, by });
  if (said !== 'answered' || !handled) return;
  if (fault && handled.changed) simulation.weather.took(fault);
  simulation.deeds.push({ xid, by, what: 'resolve', changed: handled.changed, branches: branches.length });
}

/** A person who looked at an old page: the branch is most likely not parked. */
export async function resolveAny(simulation: Simulation, xid: Xid, dice: Dice): Promise<void> {
  const state = foldLog(simulation.disk.logs.get(xid) ?? []);
  if (!state || state.branches.length === 0) return;
  const { number } = dice.one(state.branches);
  const by = simulation.nextOperator();
  const branches = [{ branch: number, as: 'skipped' as const, output: null, reason: by }];
  const { said, handled } = await simulation.ask(xid, by, { type: 'resolve', branches, by });
  if (said === 'answered' && handled)
    simulation.deeds.push({ xid, by, what: 'resolve', changed: handled.changed, branches: 1 });
}
