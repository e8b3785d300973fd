/** The moments at which a coordinator can be killed, counted through a case. */
import type { Event } from '../../coordinator/embed/stage.js';
import type { Schedule, Step } from './schedule.js';

export interface Boundary {
  /** As in "before it writes down …". */
  readonly where: string;
  /** What is known of the case here. A coordinator that is killed at two boundaries of one state comes back to the same. */
  readonly state: string;
  /** How many requests the saga has sent. */
  readonly requests: number;
  /** That is asked for here the first time. */
  readonly step: Step | undefined;
}

/** What is at this boundary beside its place. */
export interface Moment {
  readonly step?: Step;
  /** A command was sent and is on its way, which a kill does not take back. */
  readonly isSent?: boolean;
}

/** What stands outside of the coordinator: what handlers did, and how far the saga is. */
export interface Outside {
  readonly done: string;
  readonly requests: number;
}

/** Who is killed. */
export type Killed = 'coordinator' | 'coordinator and saga';

/** Events that change nothing but how often something was tried. They count until the next one that is more. */
const passing: ReadonlySet<Event['type']> = new Set(['attempt_failed', 'adopted', 'branch_pending', 'check_failed']);

export class Boundaries {
  readonly passed: Boundary[] = [];
  readonly #kills: ReadonlyMap<number, Killed>;
  readonly #outside: () => Outside;
  readonly #facts = new Set<string>();
  #last = '';
  #branches = 0;

  constructor(schedule: Schedule, outside: () => Outside) {
    this.#kills = new Map(
      schedule.flatMap((fault) =>
        fault.kind === 'coordinator' ? [[fault.boundary, fault.withSaga ? 'coordinator and saga' : 'coordinator']] : [],
      ),
    );
    this.#outside = outside;
  }

  /** Who is killed here, if anybody. */
  pass(where: string, { step, isSent }: Moment = {}): Killed | undefined {
    const { done, requests } = this.#outside();
    const state = [[...this.#facts].sort().join(), this.#last, done, requests, isSent ? where : ''].join(' | ');
    this.passed.push({ where, state, requests, step });
    return this.#kills.get(this.passed.length);
  }

  /** Events stand in the log of a transaction. */
  written(events: readonly Event[], transaction: number): void {
    for (const event of events) {
      const branch = event.type === 'branch_added' ? this.#branches++ : 'branch' in event ? event.branch : '';
      const fact = `${transaction}.${branch}.${event.type}`;
      if (passing.has(event.type)) this.#last = fact;
      else {
        this.#last = '';
        this.#facts.add(fact);
      }
    }
  }
}
