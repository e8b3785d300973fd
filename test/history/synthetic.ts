/**
 * Writes histories of any length as a coordinator would: many transactions at once on participants in memory, each of three
 * branches, some refused and undone; what they append and read is what a database would have shown them.
 */
import type { Event, Policy } from '../../coordinator/decide/events.js';
import { type Kind, opOf } from '../../sdk/protocol/kinds.js';
import { policy } from '../decide/requests.js';
import type { HistoryRecord, MicroOp } from './records.js';

export interface Synthetic {
  readonly transactions: number;
  readonly seed: number;
  readonly kind: Extract<Kind, 'saga' | 'tcc'>;
  /** So many go on at the same time; 1: one after the other. */
  readonly atOnce: number;
}

const branchesEach = 3;
const participants = 8;
/** A list gets no longer than that: then a new one is begun. */
const listMax = 24;
const listsOpen = 256;

/** Numbers from 0 to below one, the same for the same seed. */
function drawOf(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** One transaction, told by the steps that are left of it. */
interface Going {
  readonly xid: string;
  readonly steps: Generator<void>;
}

export function synthesize(options: Synthetic, write: (record: HistoryRecord) => void): void {
  const { transactions, seed, atOnce } = options;
  write({ t: 'history', version: 1, order: 'happened', of: `synthetic ${JSON.stringify(options)}` });
  const maker = new Maker(options, write);
  const draw = drawOf(seed);
  const going: Going[] = [];
  for (let begun = 0; begun < transactions || going.length > 0; ) {
    if (begun < transactions && going.length < atOnce) {
      const xid = `${(seed >>> 0).toString(16).padStart(8, '0')}-${(begun++).toString(16).padStart(12, '0')}`;
      going.push({ xid, steps: maker.live(xid) });
    }
    const at = Math.floor(draw() * going.length);
    if (!going[at]?.steps.next().done) continue;
    const last = going.pop();
    if (last && at < going.length) going[at] = last;
  }
  maker.end();
  write({ t: 'settled' });
}

class Maker {
  readonly #kind: Synthetic['kind'];
  readonly #write: (record: HistoryRecord) => void;
  readonly #draw: () => number;
  readonly #lists = new Map<string, number[]>();
  readonly #open: string[] = [];
  #now = Date.UTC(2030, 0, 1);
  #elements = 0;
  #keys = 0;

  constructor({ seed, kind }: Synthetic, write: (record: HistoryRecord) => void) {
    this.#kind = kind;
    this.#write = write;
    this.#draw = drawOf(seed ^ 0x5bd1e995);
    for (let i = 0; i < listsOpen; i++) this.#open.push(this.#newKey());
  }

  /** Each `yield` lets others go on. */
  *live(xid: string): Generator<void> {
    const kind = this.#kind;
    let seq = 0;
    const row = (...events: Event[]): void => {
      seq++;
      this.#now += 0.01;
      const append = `${xid.slice(-12)}-${seq}`;
      this.#write({ t: 'row', xid, seq, append, appender: 'coordinator-1', at: Math.floor(this.#now), events });
    };
    row(this.#opened());
    this.#write({
      t: 'told',
      xid,
      by: 'client',
      asked: 'open',
      seq,
      append: `${xid.slice(-12)}-${seq}`,
      changed: true,
    });
    const wrote: [string, number][][] = [];
    const refusedAt = this.#draw() < 0.05 ? 1 + Math.floor(this.#draw() * branchesEach) : 0;
    for (let branch = 1; branch <= branchesEach; branch++) {
      yield;
      const output = { ok: branch };
      if (branch === refusedAt) {
        row(
          { type: 'branch_refused', branch, attempt: 1, reason: 'sold out', code: 'sold_out' },
          { type: 'decided', decision: 'rollback', reason: `${branch} refused` },
          ...(branch === 1 ? [{ type: 'ended', status: 'rolled_back' } as const] : []),
        );
        break;
      }
      wrote.push(this.#forward(xid, branch));
      yield;
      const isLast = branch === branchesEach;
      row(
        { type: 'branch_done', branch, attempt: 1, output },
        ...(isLast ? [{ type: 'decided', decision: 'commit', reason: null } as const] : []),
        ...(isLast && kind === 'saga' ? [{ type: 'ended', status: 'committed' } as const] : []),
      );
    }
    if (refusedAt > 0) yield* this.#undo(xid, wrote, row);
    else if (kind === 'tcc') yield* this.#confirm(xid, wrote, row);
  }

  /** What stands in every list. */
  end(): void {
    for (const [key, elements] of this.#lists) this.#write({ t: 'list', key, elements });
  }

  #forward(xid: string, branch: number): [string, number][] {
    const wrote: [string, number][] = [];
    const micro: MicroOp[] = [];
    for (let i = 0; i < 2; i++) {
      const slot = Math.floor(this.#draw() * listsOpen);
      const key = this.#open[slot] ?? '';
      if (this.#draw() < 0.5) {
        micro.push(['read', key, [...(this.#lists.get(key) ?? [])]]);
        continue;
      }
      wrote.push([key, ++this.#elements]);
      if (this.#kind === 'saga') micro.push(this.#append(key, this.#elements));
      if ((this.#lists.get(key)?.length ?? 0) >= listMax) this.#open[slot] = this.#newKey();
    }
    this.#effect(xid, branch, 'forward', micro);
    return wrote;
  }

  *#confirm(xid: string, wrote: [string, number][][], row: (...events: Event[]) => void): Generator<void> {
    for (const [index, each] of wrote.entries()) {
      yield;
      this.#effect(
        xid,
        index + 1,
        'commit',
        each.map(([key, element]) => this.#append(key, element)),
      );
      const isLast = index === wrote.length - 1;
      row(
        { type: 'branch_committed', branch: index + 1, attempt: 1 },
        ...(isLast ? [{ type: 'ended', status: 'committed' } as const] : []),
      );
    }
  }

  *#undo(xid: string, wrote: [string, number][][], row: (...events: Event[]) => void): Generator<void> {
    for (let index = wrote.length - 1; index >= 0; index--) {
      yield;
      for (const [key, element] of wrote[index] ?? []) {
        const list = this.#lists.get(key);
        const at = list?.indexOf(element) ?? -1;
        if (at >= 0) list?.splice(at, 1);
      }
      this.#effect(xid, index + 1, 'rollback', []);
      row(
        { type: 'branch_undone', branch: index + 1, attempt: 1 },
        ...(index === 0 ? [{ type: 'ended', status: 'rolled_back' } as const] : []),
      );
    }
  }

  #append(key: string, element: number): MicroOp {
    const list = this.#lists.get(key);
    if (list) list.push(element);
    else this.#lists.set(key, [element]);
    return ['append', key, element];
  }

  #effect(xid: string, branch: number, phase: 'forward' | 'commit' | 'rollback', micro: readonly MicroOp[]): void {
    const op = opOf(this.#kind, phase);
    if (!op) throw new Error(`${this.#kind} has no ${phase} op`);
    this.#write({ t: 'effect', xid, branch, op, participant: `p${branch}`, at: Math.floor(this.#now), micro });
  }

  #newKey(): string {
    return `p${this.#keys % participants}/list${this.#keys++}`;
  }

  #opened(): Event {
    return {
      type: 'opened',
      name: 'order',
      origin: 'synthetic',
      businessKey: null,
      metadata: null,
      fingerprint: 'none',
      drivenBy: 'plan',
      deadlineAt: null,
      onTimeout: 'rollback',
      check: null,
      traceId: '0af7651916cd43dd8448eb211c80319c',
      policy: policy as Policy,
      branches: Array.from({ length: branchesEach }, (_, index) => ({
        id: `step${index + 1}`,
        kind: this.#kind,
        target: { participant: `p${index + 1}`, handler: 'work' },
        input: { sku: 'tea', quantity: 1, customer: 'ann', amountCents: 450 },
        after: index === 0 ? [] : [index],
      })),
    };
  }
}
