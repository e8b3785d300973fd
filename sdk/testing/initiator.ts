/** The process that runs the saga: its client, and whether it waits for the coordinator or works by itself. */
import { type Client, clientOver } from '../client/client.js';
import type { Ambient } from '../client/environment.js';
import type { Exchange, Request } from '../client/exchange.js';
import { type Coordinators, never } from './coordinators.js';
import type { Schedule } from './schedule.js';
import type { Story } from './story.js';
import type { RehearsedTime } from './time.js';
import { Worker, workers } from './worker.js';

export interface InitiatorParts {
  readonly schedule: Schedule;
  readonly coordinators: Coordinators;
  readonly time: RehearsedTime;
  readonly story: Story;
}

export class Initiator {
  readonly client: Client;
  requests = 0;
  /** Whether the saga commits by itself. */
  drives = false;
  readonly #parts: InitiatorParts;
  #worker: Worker | undefined;
  #isOver = false;
  #isDead = false;
  #error: unknown;

  constructor(parts: InitiatorParts) {
    this.#parts = parts;
    const { clock } = parts.time.process();
    const ambient: Ambient = {
      monotonic: clock.monotonic,
      uuid: parts.coordinators.chance.uuid,
      after: (delayMs, callback) => {
        const done = this.#wait();
        const cancel = clock.after(delayMs, () => {
          done();
          callback();
        });
        return () => {
          done();
          cancel();
        };
      },
    };
    this.client = clientOver(this.#exchange(), ambient);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** What the saga threw. */
  get error(): unknown {
    return this.#error;
  }

  /** Begins it; where it ends is seen by `isOver`. */
  run(saga: (client: Client) => Promise<unknown>): void {
    const worker = new Worker(this.#parts.time);
    this.#worker = worker;
    const end = (): void => {
      this.#isOver = true;
      worker.end();
    };
    // In a turn of its own: a saga may throw before it waits for anything.
    void workers
      .run(worker, async () => saga(this.client))
      .then(end, (error: unknown) => {
        this.#error = error;
        end();
      });
  }

  /** Its process dies: nothing that it asks for is sent any more, and no answer reaches it. */
  kill(): void {
    this.#isDead = true;
    this.#isOver = true;
    this.#worker?.end();
  }

  #exchange(): Exchange {
    return { send: (request) => this.#send(request), close: async () => undefined };
  }

  async #send<T>(request: Request): Promise<T> {
    const { schedule, coordinators, story } = this.#parts;
    this.requests++;
    if (this.#isDead) return never();
    if (schedule.some((fault) => fault.kind === 'saga' && fault.request === this.requests)) {
      if (!this.#isOver) story.tell(`The process that runs the saga is killed before it ${purposeOf(request)}`);
      this.kill();
      return never();
    }
    const done = this.#wait();
    try {
      if (request.path.endsWith('/commit')) {
        this.drives = true;
        if (schedule.some(({ kind }) => kind === 'mark')) await this.#mark(request);
      }
      const answer = await coordinators.ask<T>(request, () => !this.#isDead);
      return this.#isDead ? never() : answer;
    } finally {
      done();
    }
  }

  #mark({ path }: Request): Promise<unknown> {
    const request: Request = {
      method: 'POST',
      path: path.replace(/commit$/, 'rollback-only'),
      body: { reason: 'the end of the saga failed' },
      repeatable: true,
    };
    return this.#parts.coordinators.ask(request, () => !this.#isDead);
  }

  /** It waits for something that time brings. Returns what ends that. */
  readonly #wait = (): (() => void) => this.#worker?.wait() ?? (() => undefined);
}

function purposeOf({ method, path }: Request): string {
  if (method === 'GET') return 'asks how it stands';
  if (path.endsWith('/transactions')) return 'opens a transaction';
  if (path.endsWith('/branches')) return 'asks for the next step';
  return path.endsWith('/commit') ? 'commits' : 'says how it ends';
}
