/** One coordinator process of a simulation: the real one, on a line to the store and a wire that both can fail. */
import { type Coordinator, startCoordinator } from '../../coordinator/coordinator.js';
import type { Engine } from '../../coordinator/engine.js';
import { silentLog } from '../../coordinator/observe/log.js';
import { memoryQueue } from '../../coordinator/queue/memory.js';
import type { CommandQueue } from '../../coordinator/queue/queue.js';
import type { Append } from '../../coordinator/store/store.js';
import type { Command } from '../../sdk/protocol/commands.js';
import type { ProcessClock } from '../engine/clock.js';
import { Line } from '../engine/line.js';
import { Dice } from './chance.js';
import type { Settings } from './settings.js';
import { lineFaults, openStore, type StoreParts } from './stores.js';
import type { Weather } from './weather.js';
import type { Wire } from './wire.js';

export interface Member {
  readonly name: string;
  readonly coordinator: Coordinator;
  readonly engine: Engine;
  readonly clock: ProcessClock;
  readonly kill: () => void;
  readonly pause: () => void;
  readonly resume: () => void;
  /** Drops what waits in its queue. Returns how many that were. */
  readonly flushQueue: () => number;
  /** It dies at the so many-th append, send or reply from now. */
  diesAtSeam: number | undefined;
}

/** What it stands in. */
export interface Around extends StoreParts {
  readonly wire: Wire;
  readonly settings: Settings;
  readonly noteWon: (append: Append) => void;
}

/** Rejects when the store does not let it in. */
export async function startMember(simulation: Around, name: string): Promise<Member> {
  const { world, weather, wire, settings, noteWon } = simulation;
  const state: { member?: Member } = {};
  const onSeam = (): void => {
    const { member } = state;
    if (member?.diesAtSeam === undefined || --member.diesAtSeam > 0) return;
    weather.took('coordinator crashes at a seam');
    member.kill();
  };
  const opened = openStore(simulation, () => line.clock.state === 'dead');
  const around = { world, network: wire, onSeam, noteWon };
  const line: Line = new Line(around, name, opened, settings.leaseMs);
  Object.assign(line.faults, lineFaults(weather));
  const { queue, flush } = queueOf(line.clock, weather);
  const coordinator = await startCoordinator({
    store: line.store,
    transport: line.transport,
    queue,
    log: silentLog,
    leaseMs: settings.leaseMs,
    sweepMs: settings.sweepMs,
    onBroken: () => undefined,
    clock: line.clock,
    chance: new Dice(settings.seed, name).chanceOf(),
    host: name,
    isAlive: () => true,
  });
  const { engine } = coordinator;
  const { clock, kill, pause, resume } = line;
  state.member = { name, coordinator, engine, clock, kill, pause, resume, flushQueue: flush, diesAtSeam: undefined };
  return state.member;
}

/** The queue of the product, and what queues do to what they carry. */
function queueOf(
  clock: ProcessClock,
  weather: Weather,
): { readonly queue: CommandQueue; readonly flush: () => number } {
  const inner = memoryQueue({ clock });
  let waiting = new Set<Command>();
  const later = (command: Command, ms: number): void => {
    waiting.add(command);
    clock.after(ms, () => {
      if (waiting.delete(command)) inner.add([command]);
    });
  };
  const take = (command: Command): void => {
    if (weather.hits('queue loses')) return;
    if (weather.hits('queue duplicates')) later({ ...command }, weather.dice('queue duplicates').between(0, 3000));
    if (weather.hits('queue delays')) later(command, weather.dice('queue delays').between(1, 3000));
    else inner.add([command]);
  };
  const add = (commands: readonly Command[]): void => {
    for (const command of commands) take(command);
  };
  const flush = (): number => {
    const lost = waiting.size;
    waiting = new Set();
    return lost;
  };
  return { queue: { ...inner, add }, flush };
}
