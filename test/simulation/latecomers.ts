/** Clients and people who come once more, or too late: whatever was asked before, at any later time. */
import { foldLog } from '../../coordinator/engine/deciding.js';
import type { Xid } from '../../sdk/protocol/ids.js';
import { opOf } from '../../sdk/protocol/kinds.js';
import type { Dice } from './chance.js';
import type { Simulation } from './simulation.js';
import type { Fault } from './weather.js';

const by = 'latecomer';

/** Asks again what was asked before, marks what may be over, or decides by hand what is not parked. */
export function comeBack(simulation: Simulation, fault: Fault): void {
  const { weather, xids } = simulation;
  if (xids.length === 0) return;
  const dice = weather.dice(fault);
  weather.took(fault);
  const moving = xids.filter((each) => !simulation.isSettled(each));
  const xid = dice.one(moving.length > 0 && dice.chance(0.6) ? moving : xids);
  const what = dice.draw();
  if (what < 0.6) void askAgain(simulation, dice);
  else if (what < 0.8) void simulation.ask(xid, by, { type: 'rollback_only', reason: by });
  else void resolveAny(simulation, xid, dice);
}

async function askAgain(simulation: Simulation, dice: Dice): Promise<void> {
  const { asked, repeats } = simulation;
  if (asked.length === 0) return;
  const { xid, input, isAnswered } = dice.one(asked);
  // What a person does once more is another deed.
  const again = 'by' in input ? { ...input, by: simulation.nextOperator() } : input;
  const { said } = await simulation.ask(xid, by, again);
  const { type } = input;
  if (isAnswered && (type === 'open' || type === 'add_branch'))
    repeats.push({ xid, asked: type, isSame: true, got: said });
}

/** A person who looked at an old page: the branch is most likely not parked. */
async function resolveAny(simulation: Simulation, xid: Xid, dice: Dice): Promise<void> {
  const state = foldLog(simulation.disk.logs.get(xid) ?? []);
  if (!state || state.branches.length === 0) return;
  const { number } = dice.one(state.branches);
  const by = simulation.nextOperator();
  const branches = [{ branch: number, as: 'skipped' as const, output: null, reason: by }];
  const { said, handled } = await simulation.ask(xid, by, { type: 'resolve', branches, by });
  if (said === 'answered' && handled)
    simulation.deeds.push({ xid, by, what: 'resolve', changed: handled.changed, branches: 1 });
}

/** Whoever asked for it comes once more to what is parked, or was decided by hand: nothing of it may change what is over. */
export function comeBackTo(simulation: Simulation, xid: Xid): void {
  for (const { input } of simulation.asked.filter((each) => each.xid === xid)) void simulation.ask(xid, by, input);
  void simulation.ask(xid, by, { type: 'rollback_only', reason: by });
  const state = foldLog(simulation.disk.logs.get(xid) ?? []);
  const [first] = state?.branches ?? [];
  const op = first && opOf(first.kind, 'forward');
  if (!state?.ended || !op) return;
  const outcome = { kind: 'refused', reason: by } as const;
  void simulation.ask(xid, by, { type: 'outcome', branch: 1, op, attempt: 'late', outcome });
}
