/**
 * The coordinator of a case: started, killed at some of its boundaries, started again on the same memory. A boundary is
 * before and after each row of a log, before and after each command is sent, and before each answer to the saga.
 */
import {
  type Clock,
  type MemoryDisk,
  memoryDisk,
  type OnAppend,
  type Policy,
  startOnStage,
} from '../../coordinator/embed/stage.js';
import { NoCoordinator } from '../client/errors.js';
import type { Exchange, Request } from '../client/exchange.js';
import type { Execute } from '../participant/command.js';
import type { ParticipantDefinition } from '../participant/handler.js';
import { defaults } from '../protocol/limits.js';
import { isFinal } from '../protocol/views.js';
import type { Boundaries, Moment } from './boundaries.js';
import { rehearsedChance } from './chance.js';
import { BranchNames } from './names.js';
import { newsOf, type Story, writtenDown } from './story.js';
import type { RehearsedTime } from './time.js';

export interface CoordinatorsParts {
  readonly definitions: readonly ParticipantDefinition[];
  readonly time: RehearsedTime;
  readonly story: Story;
  readonly boundaries: Boundaries;
  /** The process of the saga dies together with the coordinator. */
  readonly killSaga: () => void;
  /** Carries out a command; `life` says whether whoever sent it still lives. */
  readonly execute: (command: Parameters<Execute>[0], life: Life) => ReturnType<Execute>;
}

/** One process of a coordinator. */
export interface Life {
  readonly dead: boolean;
}

interface Living {
  dead: boolean;
  readonly kill: () => void;
  /** Resolves when it is killed. */
  readonly killed: Promise<void>;
  readonly exchange: Exchange;
}

/** What became of a saga's transaction. */
export interface Outcome {
  readonly xid: string;
  readonly status: string;
  readonly decision: 'commit' | 'rollback' | null;
}

/** So that what never works is given up in a few attempts; time costs nothing. */
const policy: Policy = Object.freeze({
  retry: Object.freeze({ ...defaults.retry, attemptsMax: 3 }),
  callMs: defaults.callMs,
  backoff: defaults.backoff,
  parkAfterMs: 60_000,
  pendingForMs: 600_000,
  crashesMax: defaults.crashesMax,
});

const restartMs = 1000;

/** Never resolves: what is waited for is gone. */
export const never = <T>(): Promise<T> => new Promise(() => undefined);

export class Coordinators {
  readonly chance = rehearsedChance();
  readonly #parts: CoordinatorsParts;
  readonly #disk: MemoryDisk = memoryDisk(this.chance);
  /** So that stories can name a branch. */
  readonly names = new BranchNames();
  readonly #world: Clock;
  #living: Living | undefined;
  #up: Promise<Living>;
  #isUp: (living: Living) => void = () => undefined;

  constructor(parts: CoordinatorsParts) {
    this.#parts = parts;
    this.#world = parts.time.process().clock;
    this.#up = this.#nextUp();
  }

  async start(): Promise<void> {
    const { time, definitions, execute } = this.#parts;
    const { clock, kill } = time.process();
    let killed = (): void => undefined;
    const life = { dead: false };
    const exchange = await startOnStage({
      disk: this.#disk,
      definitions,
      execute: (command) => (life.dead ? never() : execute(command, life)),
      onAppend: this.#onAppend(life),
      clock,
      chance: this.chance,
      policy,
      leaseMs: 10_000,
      sweepMs: 2000,
    });
    const whenKilled = new Promise<void>((resolve) => {
      killed = resolve;
    });
    const living = Object.assign(life, {
      exchange,
      killed: whenKilled,
      kill: () => {
        life.dead = true;
        kill();
        killed();
      },
    });
    this.#living = living;
    this.#isUp(living);
  }

  /** For good. */
  stop(): void {
    this.#up = never();
    this.#living?.kill();
  }

  /**
   * Asks as a client over a wire does: what got no answer is sent again, where a repeat does no harm. Never resolves when
   * whoever asks has died.
   */
  async ask<T>(request: Request, isAlive: () => boolean): Promise<T> {
    for (;;) {
      const living = await this.#up;
      const answer = await Promise.race([living.exchange.send<T>(request), living.killed.then(() => lost)]);
      if (answer !== lost && !(request.method === 'POST' && this.boundary('before it answers the saga', living)))
        return answer as T;
      if (!isAlive()) return never();
      if (!request.repeatable || request.once)
        throw new NoCoordinator('the coordinator was killed before it answered', { wasSent: true });
    }
  }

  /** Whether the coordinator is killed here. */
  boundary(where: string, life: Life, moment?: Moment): boolean {
    if (life.dead) return true;
    const { boundaries, story, killSaga } = this.#parts;
    const killed = boundaries.pass(where, moment);
    if (killed === undefined) return false;
    const together = killed === 'coordinator and saga';
    story.tell(`The coordinator is killed${together ? ', and the process of the saga with it,' : ''} ${where}`);
    if (together) killSaga();
    this.#restart();
    return true;
  }

  /** The saga's transactions in the order in which they were opened. */
  outcomes(): readonly Outcome[] {
    return [...this.#disk.summaries.values()]
      .sort((a, b) => (a.xid < b.xid ? -1 : 1))
      .map(({ xid, status, decision }) => ({ xid, status, decision }));
  }

  isOver(): boolean {
    return this.outcomes().every(({ status }) => isFinal(status as never) || status === 'parked');
  }

  ordinalOf(xid: string): number {
    return this.outcomes().findIndex((outcome) => outcome.xid === xid);
  }

  #onAppend(life: Life): OnAppend {
    return async (events, xid, write) => {
      const nameOf = this.names.of(xid);
      const what = writtenDown(events, nameOf);
      if (this.boundary(`before it writes down ${what}`, life)) return never();
      const written = await write();
      if (written === 'lost') return written;
      this.#parts.boundaries.written(events, this.ordinalOf(xid));
      for (const event of events) {
        const news = newsOf(event, nameOf);
        if (news !== undefined) this.#parts.story.tell(news);
      }
      return this.boundary(`after it wrote down ${what}`, life) ? never() : written;
    };
  }

  #restart(): void {
    const old = this.#living;
    this.#living = undefined;
    this.#up = this.#nextUp();
    old?.kill();
    this.#world.after(restartMs, () => {
      this.#parts.story.tell('Another coordinator is started on the same store');
      void this.start();
    });
  }

  #nextUp(): Promise<Living> {
    return new Promise((resolve) => {
      this.#isUp = resolve;
    });
  }
}

const lost = Symbol('no answer');
