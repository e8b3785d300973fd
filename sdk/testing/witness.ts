/** Sees what handlers do in one case, and makes happen inside of them what the schedule says. */
import { Refused } from '../protocol/answers.js';
import { keyOf, type Place, type Schedule } from './schedule.js';
import type { Story } from './story.js';
import { type Inside, type Site, Stopped, type Watcher } from './watch.js';

/** Something that is wrong by itself, whatever came of it. */
export interface Offence {
  readonly kind: 'invariant' | 'not awaited' | 'outside the transaction';
  readonly step: Place | Site | undefined;
  readonly what: string;
}

/** A run of a handler whose work was done. */
export interface Run extends Place {
  readonly site: Site;
  /** Its effect is there: it was not taken back with its transaction. */
  readonly kept: boolean;
}

export class Witness implements Watcher {
  readonly runs: Run[] = [];
  /** What handlers threw, beside refusals, the last of each handler's op. */
  readonly errors = new Map<string, { readonly site: Site; readonly place: Place; readonly error: string }>();
  /** Runs that ended before their commit. */
  readonly stopped: Place[] = [];
  /** That answered as if all were well though their database failed. */
  readonly swallowed: Site[] = [];
  /** The one that ended last. */
  last: Site | undefined;
  readonly #schedule: Schedule;
  readonly #story: Story;
  readonly #onOffence: (offence: Offence) => void;
  readonly #onRun: () => void;
  readonly #ordinalOf: (xid: string) => number;
  readonly #begun = new Set<string>();

  constructor(
    schedule: Schedule,
    story: Story,
    onOffence: (offence: Offence) => void,
    onRun: () => void,
    ordinalOf: (xid: string) => number,
  ) {
    this.#schedule = schedule;
    this.#story = story;
    this.#onOffence = onOffence;
    this.#onRun = onRun;
    this.#ordinalOf = ordinalOf;
  }

  /** Which handlers took effect, and how often, in no order. */
  get done(): string {
    return this.runs
      .flatMap((run) => (run.kept ? [keyOf(run)] : []))
      .sort()
      .join();
  }

  trouble(site: Site): Inside | undefined {
    const key = keyOf(this.#placeOf(site));
    const isFirst = !this.#begun.has(key);
    this.#begun.add(key);
    for (const fault of this.#schedule) {
      if (fault.kind !== 'command' || keyOf(fault.step) !== key) continue;
      if (fault.trouble === 'refused') return fault.trouble;
      if ((fault.trouble === 'stopped before commit' || fault.trouble === 'write fails') && isFirst)
        return fault.trouble;
    }
    return undefined;
  }

  began(): void {
    this.#onRun();
  }

  worked(site: Site, keeps: boolean, isSwallowed: boolean): void {
    this.last = site;
    const place = this.#placeOf(site);
    if (isSwallowed) this.swallowed.push(site);
    if (!keeps) this.stopped.push(place);
    this.runs.push({ ...place, site, kept: keeps || site.fence !== 'database' });
    this.errors.delete(keyOf(place));
  }

  threw(site: Site, error: unknown): void {
    this.last = site;
    // A forward op may say no; an undo or a confirm may not.
    if (error instanceof Stopped || (error instanceof Refused && site.phase === 'forward')) return;
    const place = this.#placeOf(site);
    this.errors.set(keyOf(place), { site, place, error: messageOf(error) });
  }

  leftBehind(site: Site, queries: readonly string[]): void {
    const [first = ''] = queries;
    this.#story.tell(`${site.participant} is back from ${site.handler}, and left a query behind that was never run`);
    this.#onOffence({
      kind: 'not awaited',
      step: site,
      what: `a query was made and never awaited, so it never ran: ${first}`,
    });
  }

  #placeOf({ xid, branch, op }: Site): Place {
    return { transaction: this.#ordinalOf(xid), branch, op };
  }
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
