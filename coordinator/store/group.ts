/**
 * Owns the order and the fate of appends between the caller and the database, whatever the database.
 *
 * - Appends that arrive while a commit is in flight go out together in the next: one commit at a time, sorted by xid,
 *   bounded in count and bytes.
 * - Under load two groups take turns: what the one gave rise to is worked on while the other is in the database.
 * - A transaction is in a group at most once, so that no row is judged by another that is not committed yet.
 * - An append is answered after its commit returned, by what is there afterwards. When the answer of a commit is lost,
 *   it is looked up; neither yes nor no is assumed.
 * - One append that the database refuses does not take others down: its group is halved until it is alone.
 */
import { planted } from '#faults';
import type { AppendId, Xid } from '../../sdk/protocol/ids.js';
import type { Counters, Gate } from './gate.js';
import { type Append, StoreError } from './store.js';

/** What an error of the database means: try again, wait for better times, this cannot be stored, trust nothing any more. */
export type Verdict = 'again' | 'outage' | 'refused' | 'broken';

/** What group commit needs of a database. */
export interface GroupWriter {
  /**
   * Adds, in one commit, the rows whose predecessor is there, and the summaries of those that are new. Resolves with
   * the append ids that are there afterwards. Leaves nothing open when it rejects.
   */
  commit(group: readonly Append[]): Promise<ReadonlySet<AppendId>>;
  /** Which of these rows are there. */
  present(group: readonly Append[]): Promise<ReadonlySet<AppendId>>;
  verdict(error: unknown): Verdict;
}

export interface GroupLimits {
  readonly countMax: number;
  readonly bytesMax: number;
  /** Of the events of one append, as UTF-8. */
  readonly appendBytesMax: number;
  /** Tries of one group when the database is busy or its answer got lost. */
  readonly attemptsMax: number;
}

export const groupLimits: GroupLimits = Object.freeze({
  countMax: 256,
  bytesMax: 4 * 1024 * 1024,
  appendBytesMax: 16 * 1024 * 1024,
  attemptsMax: 3,
});

/** A group is not made smaller than this for the sake of two that take turns. */
const overlapMin = 16;

interface Ticket {
  readonly append: Append;
  readonly resolve: (answer: 'won' | 'lost') => void;
  readonly reject: (error: StoreError) => void;
}

type Fate = { readonly there: ReadonlySet<AppendId>; readonly failed?: { verdict: Verdict; error: unknown } };

export class AppendGroups {
  readonly #writer: GroupWriter;
  readonly #gate: Gate;
  readonly #counters: Counters;
  readonly #limits: GroupLimits;
  #waiting: Ticket[] = [];
  /** Appends in the group that went last. */
  #last = 0;
  #running: Promise<void> | undefined;

  constructor(writer: GroupWriter, gate: Gate, counters: Counters, limits: GroupLimits) {
    this.#writer = writer;
    this.#gate = gate;
    this.#counters = counters;
    this.#limits = limits;
  }

  append(append: Append): Promise<'won' | 'lost'> {
    return new Promise((resolve, reject) => {
      if (this.#gate.shut) return reject(this.#gate.shut);
      if (isLargerThan(append.events, this.#limits.appendBytesMax)) return reject(tooLarge(append, this.#limits));
      this.#waiting.push({ append, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** Resolves when nothing is in flight any more. */
  async idle(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    // Let everything that is decided in this turn of the loop come along.
    await null;
    for (let answered = 0; this.#waiting.length > 0; answered = this.#last) {
      const group = this.#take(this.#share(answered + this.#waiting.length));
      this.#last = group.length;
      await this.#settle(group);
    }
    this.#running = undefined;
  }

  /**
   * How many of `all`, those answered just now and those that wait, may go in the next group. All at first; after a
   * group of many half, or everybody would wait for the database and then the database for everybody.
   */
  #share(all: number): number {
    return this.#last < overlapMin ? this.#limits.countMax : Math.max(overlapMin, Math.ceil(all / 2));
  }

  #take(share: number): readonly Ticket[] {
    const group: Ticket[] = [];
    const later: Ticket[] = [];
    const xids = new Set<Xid>();
    let bytes = 0;
    let next = 0;
    const countMax = Math.min(share, this.#limits.countMax);
    for (; next < this.#waiting.length && group.length < countMax; next++) {
      const ticket = this.#waiting[next] as Ticket;
      if (xids.has(ticket.append.xid)) {
        later.push(ticket);
        continue;
      }
      bytes += ticket.append.events.length;
      if (group.length > 0 && bytes > this.#limits.bytesMax) break;
      xids.add(ticket.append.xid);
      group.push(ticket);
    }
    this.#waiting = later.concat(this.#waiting.slice(next));
    return group.sort((a, b) => (a.append.xid < b.append.xid ? -1 : 1));
  }

  async #settle(group: readonly Ticket[]): Promise<void> {
    if (this.#gate.shut?.kind === 'broken') return rejectAll(group, this.#gate.shut);
    const appends = group.map((ticket) => ticket.append);
    if (planted('answer-before-commit')) {
      for (const ticket of group) ticket.resolve('won');
      await this.#writer.present(appends).catch(() => undefined);
    }
    const { there, failed } = await this.#attempt(appends);
    this.#counters.groups++;
    if (failed?.verdict === 'refused' && group.length > 1 && !planted('failing-append-fails-its-group')) {
      const half = group.length >> 1;
      await this.#settle(group.slice(0, half));
      return this.#settle(group.slice(half));
    }
    const error = failed && this.#toError(failed.verdict, failed.error, group);
    for (const { append, resolve, reject } of group) {
      if (there.has(append.append)) {
        this.#counters.appends++;
        resolve('won');
      } else if (error) reject(error);
      else resolve('lost');
    }
  }

  /** Commits, with a bound on the tries. Before each further try, and before giving up, it looks whether it is there. */
  async #attempt(appends: readonly Append[]): Promise<Fate> {
    for (let attempt = 1; ; attempt++) {
      try {
        return { there: await this.#writer.commit(appends) };
      } catch (error) {
        const verdict = this.#writer.verdict(error);
        if (verdict === 'refused' || verdict === 'broken') return { there: new Set(), failed: { verdict, error } };
        if (planted('lost-commit-answer-is-a-no')) return { there: new Set() };
        const fate = await this.#lookUp(appends, verdict, error);
        if (fate.failed?.verdict !== 'again' || attempt >= this.#limits.attemptsMax) return fate;
      }
    }
  }

  async #lookUp(appends: readonly Append[], verdict: Verdict, error: unknown): Promise<Fate> {
    try {
      const there = await this.#writer.present(appends);
      return appends.every(({ append }) => there.has(append)) ? { there } : { there, failed: { verdict, error } };
    } catch (second) {
      const worse = this.#writer.verdict(second);
      return { there: new Set(), failed: worse === 'broken' ? { verdict: worse, error: second } : { verdict, error } };
    }
  }

  #toError(verdict: Verdict, error: unknown, group: readonly Ticket[]): StoreError {
    const because = error instanceof Error ? error.message : String(error);
    if (verdict === 'broken') return this.#gate.break(error);
    if (verdict !== 'refused') return new StoreError('outage', `the store did not take an append: ${because}`, error);
    const [{ append }] = group as readonly [Ticket];
    return new StoreError('unstorable', `the store refuses ${append.xid} seq ${append.seq}: ${because}`, error);
  }
}

function rejectAll(group: readonly Ticket[], error: StoreError): void {
  for (const ticket of group) ticket.reject(error);
}

/** Measures only what can be too large: one UTF-16 unit is at most three bytes. */
const isLargerThan = (text: string, bytesMax: number): boolean =>
  text.length > bytesMax || (text.length * 3 > bytesMax && Buffer.byteLength(text) > bytesMax);

const tooLarge = ({ xid, seq, events }: Append, { appendBytesMax }: GroupLimits): StoreError =>
  new StoreError(
    'unstorable',
    `expected at most ${appendBytesMax} bytes of events in one append, got ${Buffer.byteLength(events)} (${xid} seq ${seq})`,
  );
