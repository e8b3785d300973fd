/** Runs one seed through its two phases, and tells what it came to. */
import { check } from './checker.js';
import { Customer } from './clients.js';
import type { Violation } from './history.js';
import { comeBackTo } from './latecomers.js';
import { resolve, retry } from './people.js';
import { type Limits, settingsOf } from './settings.js';
import { Shopper } from './shopper.js';
import { Simulation } from './simulation.js';
import { raise, stirUp } from './trouble.js';
import type { Fault } from './weather.js';

export interface Outcome {
  readonly seed: number;
  readonly hash: string;
  readonly trace: readonly string[] | undefined;
  readonly violations: readonly Violation[];
  /** Transactions that came to be. */
  readonly transactions: number;
  readonly effects: number;
  readonly commands: number;
  readonly simulatedMs: number;
  readonly faults: ReadonlyMap<Fault, number>;
  /** Faults that the seed had switched on. */
  readonly on: ReadonlySet<Fault>;
  /** `phase event` of the machine that were reached. */
  readonly transitions: ReadonlySet<string>;
  readonly statuses: ReadonlyMap<string, number>;
}

/** Everything must be final or parked so long after the faults stopped (I10). */
export const boundMs = 300_000;
/** What comes late is answered within so long. */
const afterglowMs = 3000;

export async function run(seed: number, limits: Limits = {}): Promise<Outcome> {
  const settings = settingsOf(seed, limits);
  const simulation = new Simulation(settings);
  const { world, weather, trace, wire } = simulation;
  await simulation.start();
  const arrivals = Array.from({ length: settings.transactions }, () => simulation.dice.below(settings.troubledMs));
  for (const [index, at] of arrivals.entries())
    simulation.clock.after(at, () => void customerOf(simulation, index).live());
  stirUp(simulation);
  raise(simulation);
  await world.advance(settings.troubledMs + 3000);
  calmDown(simulation);
  const unsettled = await settle(simulation);
  if (unsettled.length === 0) unsettled.push(...(await lateVisits(simulation, 'parked')));
  if (unsettled.length === 0 && settings.peopleCome) unsettled.push(...(await peopleCome(simulation)));
  if (unsettled.length === 0) unsettled.push(...(await lateVisits(simulation, 'resolved')));
  if (wire.lastAt > world.ms) await world.advance(wire.lastAt - world.ms + afterglowMs);
  // What came late, or was slow to become durable, must come to its end too.
  if (unsettled.length === 0) unsettled.push(...(await settle(simulation)));
  stop(simulation);
  const history = await simulation.history();
  const circumstances = {
    unsettled,
    markers: simulation.markers,
    databaseClockJumped: weather.counts.has('database clock jumps'),
    clocksJumped: weather.counts.has('participant clock jumps'),
  };
  limits.onHistory?.(history, circumstances);
  const { violations, transitions, statuses } = check(history, circumstances);
  return {
    seed,
    hash: trace.hash,
    trace: trace.kept,
    violations,
    transactions: simulation.disk.logs.size,
    effects: simulation.effects.length,
    commands: simulation.wire.sent,
    simulatedMs: world.ms,
    faults: weather.counts,
    on: weather.on,
    transitions,
    statuses,
  };
}

/** Some come with the SDK. */
function customerOf(simulation: Simulation, index: number): Customer | Shopper {
  const { clientShare } = simulation.settings;
  const isShopper = clientShare > 0 && simulation.dice.chance(clientShare);
  return isShopper ? new Shopper(simulation, index) : new Customer(simulation, index);
}

/** From here on nothing goes wrong any more. */
function calmDown(simulation: Simulation): void {
  const { world, weather, wire, database, members, instances } = simulation;
  weather.calm();
  wire.cuts.clear();
  database.downUntil = 0;
  for (const member of members) {
    member.diesAtSeam = undefined;
    if (member.clock.state === 'paused') member.resume();
  }
  for (const instance of instances) {
    if (instance.clock.state === 'paused') instance.resume();
    // One that takes every command for expired is a target where nobody answers: what waits for it waits for ever.
    instance.clock.set(world.database.wall());
  }
}

/** Lets time pass until all is settled, and every client of the SDK was told. Resolves with what is not. */
async function settle(simulation: Simulation): Promise<string[]> {
  const { world, xids } = simulation;
  const unsettled = () => [...xids.filter((xid) => !simulation.isSettled(xid)), ...simulation.shopping];
  for (const until = world.ms + boundMs; world.ms < until && unsettled().length > 0; ) await world.advance(500);
  return unsettled();
}

/** Clients come back to what stopped. */
async function lateVisits(simulation: Simulation, status: 'parked' | 'resolved'): Promise<string[]> {
  const { xids, disk, world } = simulation;
  const stopped = xids.filter((xid) => disk.summaries.get(xid)?.status === status);
  if (stopped.length === 0 || !simulation.dice.chance(0.5)) return [];
  for (const xid of stopped) comeBackTo(simulation, xid);
  await world.advance(1000);
  return settle(simulation);
}

/** People look after what parked: they try once more, and then decide by hand. */
async function peopleCome(simulation: Simulation): Promise<string[]> {
  const { xids, disk, world } = simulation;
  const parked = () => xids.filter((xid) => disk.summaries.get(xid)?.status === 'parked');
  for (const act of [retry, resolve, resolve]) {
    const left = parked();
    if (left.length === 0) return [];
    // What parked may still be on its way: nobody decides by hand before that is over.
    await world.advance(3000);
    for (const xid of left) void act(simulation, xid);
    await world.advance(1000);
    const unsettled = await settle(simulation);
    if (unsettled.length > 0) return unsettled;
  }
  return [];
}

function stop({ members, instances, clock }: Simulation): void {
  clock.state = 'dead';
  for (const member of members) member.kill();
  for (const instance of instances) instance.kill();
}
