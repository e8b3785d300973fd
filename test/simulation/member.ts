/** One coordinator process of a simulation: the real one, on a line to the store and a wire that both can fail. */
import type { Chance } from '../../coordinator/clock.js';
import { type Coordinator, startCoordinator } from '../../coordinator/coordinator.js';
import type { Engine } from '../../coordinator/engine.js';
import type { Directory } from '../../coordinator/http/directory.js';
import { lookoutOn } from '../../coordinator/http/lookout.js';
import type { Rooms } from '../../coordinator/http/route.js';
import { silentLog } from '../../coordinator/observe/log.js';
import { memoryQueue } from '../../coordinator/queue/memory.js';
import type { CommandQueue } from '../../coordinator/queue/queue.js';
import type { Command } from '../../sdk/protocol/commands.js';
import type { ProcessClock } from '../engine/clock.js';
import { Line, type Seam } from '../engine/line.js';
import type { Around } from './around.js';
import { Dice } from './chance.js';
import { type Door, doorOf } from './door.js';
import { oneHost } from './file.js';
import { Known, loopbackOnly } from './known.js';
import { kindOfHandler } from './shop.js';
import { lineFaults, openStore } from './stores.js';
import type { Weather } from './weather.js';

export interface Member {
  readonly name: string;
  readonly coordinator: Coordinator;
  readonly engine: Engine;
  readonly clock: ProcessClock;
  readonly kill: () => void;
  readonly pause: () => void;
  readonly resume: () => void;
  /** Resolves when it is killed. */
  readonly died: Promise<undefined>;
  /** Resolves when it is no longer paused. */
  readonly resumed: () => Promise<void>;
  /** Its API. */
  readonly door: Door;
  /** Drops what waits in its queue. Returns how many that were. */
  readonly flushQueue: () => number;
  /** It dies at the so many-th append, send or reply from now. */
  diesAtSeam: number | undefined;
}

/** Rejects when the store does not let it in. */
export async function startMember(simulation: Around, name: string): Promise<Member> {
  const { world, weather, wire, settings, file, noteWon } = simulation;
  const state: { member?: Member } = {};
  const onSeam = (seam: Seam): void => {
    const { member } = state;
    if (member && seam === 'before send') stopShort(member, simulation);
    if (member?.diesAtSeam === undefined || --member.diesAtSeam > 0) return;
    weather.took('coordinator crashes at a seam');
    member.kill();
  };
  const opened = await (file?.open(simulation) ?? openStore(simulation, () => line.clock.state === 'dead'));
  const known: Known = new Known(simulation, () => line.store);
  const network = settings.registers ? known : wire;
  const around = { world, network, onSeam, noteWon };
  const line: Line = new Line(around, name, opened, settings.leaseMs);
  Object.assign(line.faults, lineFaults(weather));
  if (settings.registers) await known.refresh();
  const { queue, flush } = queueOf(line.clock, weather);
  const chance = new Dice(settings.seed, name).chanceOf();
  const coordinator = await startCoordinator({
    store: line.store,
    transport: line.transport,
    ...(settings.registers && { presence: known, tend: () => known.refresh() }),
    queue,
    log: silentLog,
    atHandMax: settings.atHandMax,
    leaseMs: settings.leaseMs,
    sweepMs: settings.sweepMs,
    onBroken: () => undefined,
    clock: line.clock,
    chance,
    host: file ? oneHost : name,
    isAlive: () => true,
  });
  const { engine } = coordinator;
  const { clock } = line;
  const door = doorOf(roomsOf(simulation, line, coordinator, chance, known));
  const own = { name, coordinator, engine, clock, door, flushQueue: flush, diesAtSeam: undefined };
  state.member = { ...own, ...lifeOf(line) };
  return state.member;
}

/** It stands still when it has made up its mind to send, and goes on when its command may be over. */
function stopShort(member: Member, { world, weather }: Around): void {
  const fault = 'coordinator paused before it sends';
  if (member.clock.state !== 'running' || !weather.hits(fault)) return;
  member.pause();
  world.clock().after(weather.dice(fault).between(100, 4000), () => member.clock.state === 'paused' && member.resume());
}

type Life = Pick<Member, 'died' | 'kill' | 'pause' | 'resume' | 'resumed'>;

function lifeOf(line: Line): Life {
  let die: () => void = () => undefined;
  const died = new Promise<undefined>((resolve) => {
    die = () => resolve(undefined);
  });
  let resumed: Promise<void> = Promise.resolve();
  let wake: () => void = () => undefined;
  return {
    died,
    kill: () => {
      line.kill();
      die();
    },
    pause: () => {
      line.pause();
      resumed = new Promise((resolve) => {
        wake = resolve;
      });
    },
    resume: () => {
      line.resume();
      wake();
    },
    resumed: () => resumed,
  };
}

/** What is behind its door. */
function roomsOf(
  { settings }: Around,
  line: Line,
  { engine, controls }: Coordinator,
  chance: Chance,
  known: Known,
): Rooms {
  const { store, clock } = line;
  return {
    engine,
    controls,
    store,
    registry: known,
    clock,
    chance,
    log: silentLog,
    policy: settings.policy,
    lookout: lookoutOn({ store, clock, log: silentLog }),
    stopping: () => false,
    allow: loopbackOnly,
    directory: settings.registers ? known.registry : everybody,
  };
}

/** Where nobody registers: as if all had. */
const everybody: Directory = Object.freeze({
  kindOf: (_: string, handler: string) => kindOfHandler[handler],
  answersCheck: () => true,
});

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
