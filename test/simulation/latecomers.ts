/** Clients and people who come once more, or too late: whatever was asked before, at any later time. */
import { foldLog } from '../../coordinator/engine/deciding.js';
import type { Append } from '../../coordinator/store/store.js';
import type { Xid } from '../../sdk/protocol/ids.js';
import { opOf } from '../../sdk/protocol/kinds.js';
import type { Dice } from './chance.js';
import type { Asked } from './history.js';
import { resolveAny, retry } from './people.js';
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
  if (simulation.asked.length > 0) await again(simulation, dice.one(simulation.asked));
}

async function again(simulation: Simulation, { xid, input, isAnswered }: Asked): Promise<void> {
  const { said } = await simulation.ask(xid, by, input);
  const { type } = input;
  if (isAnswered && (type === 'open' || type === 'add_branch'))
    simulation.repeats.push({ xid, asked: type, isSame: true, got: said });
}

/** What is short: a transaction that waits for outcomes or for an answer, or was decided a moment ago. */
const moments = /"type":"(closed|rollback_wanted|check_failed|decided)"/;

/** Everybody who has something to do with a transaction comes just after such a moment began. */
export function comeTogether(simulation: Simulation, { xid, events }: Pick<Append, 'xid' | 'events'>): void {
  const fault = 'everybody comes at once';
  const { weather, clock } = simulation;
  if (!weather.on.has(fault) || !moments.test(events) || !weather.hits(fault)) return;
  const dice = weather.dice(fault);
  clock.after(dice.below(20), () => {
    for (const each of simulation.asked.filter((one) => one.xid === xid)) void again(simulation, each);
    void retry(simulation, xid);
    void resolveAny(simulation, xid, dice);
    if (dice.chance(0.2)) void simulation.ask(xid, by, { type: 'rollback_only', reason: by });
  });
}

/**
 * Whoever asked for it comes once more to what is parked, or was decided by hand: nothing of it may change what is over.
 * So does who did a part of it: he says what is known, or contradicts what has ended.
 */
export function comeBackTo(simulation: Simulation, xid: Xid): void {
  if (simulation.dice.chance(0.3)) void simulation.ask(xid, by, { type: 'rollback', reason: by });
  for (const { input } of simulation.asked.filter((each) => each.xid === xid)) void simulation.ask(xid, by, input);
  void simulation.ask(xid, by, { type: 'rollback_only', reason: by });
  const state = foldLog(simulation.disk.logs.get(xid) ?? []);
  const first = state?.branches.find(({ forward }) => state.ended || forward === 'done');
  const op = first && opOf(first.kind, 'forward');
  if (!state || !first || !op) return;
  const outcome = state.ended ? ({ kind: 'refused', reason: by } as const) : ({ kind: 'done', output: null } as const);
  void simulation.ask(xid, by, { type: 'outcome', branch: first.number, op, attempt: 'late', outcome });
}
