/** What a coordinator does with what came in: decides it, appends the row, and does what the new state asks of it. */
import assert from 'node:assert/strict';
import { applyEvent, foldRow, type Row } from '../../coordinator/decide/fold.js';
import type { Input } from '../../coordinator/decide/inputs.js';
import { commandFor, type Outstanding } from '../../coordinator/decide/outstanding.js';
import type { State } from '../../coordinator/decide/state.js';
import { type Agenda, agendaOf } from '../../coordinator/engine/agenda.js';
import { decideAll } from '../../coordinator/engine/deciding.js';
import { Hands } from '../../coordinator/engine/hands.js';
import type { AppendId, CoordinatorId } from '../../sdk/protocol/ids.js';
import { whyIllegal } from '../decide/legal-event.js';
import { draw } from './ageing.js';
import { nothingKept, now } from './fenced.js';
import { checkRow } from './rules.js';
import { type Coordinator, changeCoordinator, type InHand, isSame, type Named, type World, xid } from './world.js';

/** The state with the row that these inputs come to; the same when they come to none. Throws for a row that must not be. */
export function append(log: State | undefined, inputs: readonly Input[], me: CoordinatorId): State | undefined {
  const waiting = inputs.map((input) => ({
    input,
    answers: undefined,
    resolve: () => undefined,
    reject: () => undefined,
  }));
  const { events } = decideAll(xid, log, waiting, { now, draw, me });
  if (events.length === 0) return log;
  const row: Row = { xid, seq: (log?.seq ?? 0) + 1, append: '' as AppendId, appender: me, at: now, events };
  checkEvents(log, row);
  const next = foldRow(log, row);
  checkRow(log, next);
  return next;
}

/** I11: each event is legal for the state before it. */
function checkEvents(log: State | undefined, row: Row): void {
  let state = log;
  for (const event of row.events) {
    const why = whyIllegal(state, event, row);
    assert.equal(why, undefined, `I11 illegal '${event.type}': ${why}`);
    state = applyEvent(state, event, row);
  }
}

/** Inputs at one coordinator. `answered` is not in its hands any more. */
export function put(world: World, id: CoordinatorId, inputs: readonly Input[], answered?: Named): World {
  const hands = handsOf(world, id).filter((one) => !answered || !isSame(one, answered));
  return attend(logged(world, append(world.log, inputs, id)), id, hands);
}

/** The same, but the coordinator does not learn that the row is in the log: it does nothing, and asks once more. */
export const putUnheard = (world: World, id: CoordinatorId, inputs: readonly Input[]): World =>
  logged(world, append(world.log, inputs, id));

function logged(world: World, log: State | undefined): World {
  const kept = log?.branches.map((_, index) => world.kept[index] ?? nothingKept) ?? [];
  // Of what is over nothing is in hand; what is on its way may still arrive.
  const coordinators = log?.ended ? world.coordinators.map(({ id }) => ({ id, hands: [] })) : world.coordinators;
  return { ...world, log, kept, coordinators };
}

const handsOf = ({ coordinators }: World, id: CoordinatorId): readonly InHand[] =>
  coordinators.find((one) => one.id === id)?.hands ?? [];

/** Looks at the log and takes into its hands what is to be sent, and out of them what need not be. */
export function attend(world: World, id: CoordinatorId, hands = handsOf(world, id)): World {
  const { log } = world;
  if (!log || log.ended) return world;
  const { send, recall } = agendaFor(log, { id, hands });
  const stay = hands.filter(({ branch, isSent }) => isSent || !recall.includes(branch));
  return changeCoordinator(world, id, [...stay, ...send.map((one) => toSend(log, one))]);
}

function toSend(log: State, one: Outstanding): InHand {
  const { body, attempt, expiresAt } = commandFor(log, one, now)!;
  return { branch: body.branch, op: body.op, attempt, forward: body.forward, isSent: false, expiresAt };
}

/** What the engine of a coordinator finds to do. */
export function agendaFor(log: State, { id, hands }: Coordinator): Agenda {
  const held = new Hands();
  for (const { branch, op, attempt } of hands) {
    held.take({ branch, op, attempt, term: 0, overdueAt: 0, callMs: 0, missed: false });
  }
  return agendaOf(log, held, id, now);
}
