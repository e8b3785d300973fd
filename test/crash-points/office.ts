/** One coordinator process: the real one, on a line to its store, a queue and a wire that fail where they are told to. */
import type { Chance } from '../../coordinator/clock.js';
import { type Coordinator, startCoordinator } from '../../coordinator/coordinator.js';
import { silentLog } from '../../coordinator/observe/log.js';
import { memoryQueue } from '../../coordinator/queue/memory.js';
import type { CommandQueue } from '../../coordinator/queue/queue.js';
import type { GroupWriter, Verdict } from '../../coordinator/store/group.js';
import type { Store } from '../../coordinator/store/store.js';
import { seededChance } from '../engine/chance.js';
import { Line, type Seam, type Surroundings } from '../engine/line.js';
import type { Fate as StoreFate } from '../engine/store.js';
import type { Fate, Where } from './seams.js';
import type { Loss } from './wire.js';

export const leaseMs = 600;
export const sweepMs = 200;

export interface OfficeParts extends Pick<Surroundings, 'world' | 'network' | 'noteWon'> {
  readonly name: string;
  readonly seed: number;
  /** Opens the one store once more; what writes to it goes through the writer, where the store has one. */
  readonly open: (before: (writer: GroupWriter) => GroupWriter) => Promise<Store>;
  /** The store has such a writer; else what its commit does not say is not said by the line to it. */
  readonly hasWriter: boolean;
  /** A boundary was reached. Handles what befalls but failures of its store, queue and wire, which it returns. */
  readonly at: (where: Where, office: Office) => Fate | undefined;
}

/** The commit's answer is lost: the store looks it up, and tries again where it did not happen. */
class LostAnswer extends Error {
  readonly verdict: Verdict = 'again';
}

export class Office {
  readonly name: string;
  coordinator: Coordinator | undefined;
  readonly #parts: OfficeParts;
  #line: Line | undefined;
  #commits: Fate | undefined;
  #adds: Fate | undefined;
  #sends: Fate | undefined;
  #isKilled = false;

  private constructor(parts: OfficeParts) {
    this.name = parts.name;
    this.#parts = parts;
  }

  static async start(parts: OfficeParts): Promise<Office> {
    const office = new Office(parts);
    await office.#start();
    return office;
  }

  get isAlive(): boolean {
    return !this.#isKilled;
  }

  kill(): void {
    this.#isKilled = true;
    this.#line?.kill();
  }

  /** What becomes of the command that is sent now. */
  loss(): Loss | undefined {
    const fate = this.#sends;
    if (fate?.endsWith('once')) this.#sends = undefined;
    return fate && (fate.startsWith('done') ? 'answer' : 'request');
  }

  async #start(): Promise<void> {
    const { world, network, noteWon, name, seed, open } = this.#parts;
    const opened = await open((writer) => this.#unsure(writer));
    // After a reply comes the append that it leads to.
    const onSeam = (where: Seam): void => (where === 'after reply' ? undefined : this.#reach(where));
    const line = new Line({ world, network, onSeam, noteWon }, name, opened, leaseMs);
    this.#line = line;
    this.coordinator = await startCoordinator({
      store: line.store,
      transport: line.transport,
      queue: this.#queueOf(line),
      log: silentLog,
      leaseMs,
      sweepMs,
      onBroken: () => undefined,
      clock: line.clock,
      chance: countedChance(name, seed),
      host: 'test',
      isAlive: () => true,
    });
  }

  #reach(where: Where): void {
    const fate = this.#parts.at(where, this);
    if (!fate) return;
    if (where === 'before send') this.#sends = fate;
    else if (fate.startsWith('unknown') && this.#parts.hasWriter) this.#commits = fate;
    else this.#cut(fate);
  }

  /** The line to the store fails: once at the append that comes now, or from then on. */
  #cut(fate: Fate): void {
    const faults = this.#line?.faults;
    if (!faults) return;
    const first: StoreFate = fate.includes('not-done') ? 'fails' : 'answer lost';
    const later: StoreFate = fate.endsWith('from-now') ? 'fails' : 'through';
    faults.append = () => {
      faults.append = () => later;
      faults.read = () => later;
      faults.renew = () => later;
      return first;
    };
  }

  #queueOf(line: Line): CommandQueue {
    const inner = memoryQueue({ clock: line.clock });
    return {
      ...inner,
      add: (commands) => {
        if (!this.isAlive) return;
        const fate = this.#parts.at('before add', this);
        if (fate?.endsWith('from-now')) this.#adds = fate;
        if (!this.isAlive || fate || this.#adds) return;
        inner.add(commands);
        this.#parts.at('after add', this);
      },
    };
  }

  #unsure(writer: GroupWriter): GroupWriter {
    return {
      ...writer,
      commit: async (group) => {
        const fate = this.#commits;
        this.#commits = undefined;
        if (!fate) return writer.commit(group);
        if (fate === 'unknown-done') await writer.commit(group);
        throw new LostAnswer('nobody said what became of the commit');
      },
      verdict: (error) => (error instanceof LostAnswer ? error.verdict : writer.verdict(error)),
    };
  }
}

/** Draws of its own, and ids that are cheap and tell who made them. */
function countedChance(name: string, seed: number): Chance {
  const { draw } = seededChance(seed);
  let count = 0;
  const id = (): string => `${name}-${++count}`;
  return { draw, id, uuid: id };
}
