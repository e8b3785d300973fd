/** Tells small histories by hand: transactions with parallel branches, one thing after the other. */
import type { Event } from '../../coordinator/decide/events.js';
import { type Kind, opOf, type Phase } from '../../sdk/protocol/kinds.js';
import type { Decision } from '../../sdk/protocol/views.js';
import { policy } from '../decide/requests.js';
import { HistoryChecker, type Verdict } from './checker.js';
import type { EffectRecord, Head, HistoryRecord, MicroOp } from './records.js';

export const head: Head = Object.freeze({ t: 'history', version: 1, order: 'happened' });

interface Told {
  readonly kinds: readonly Kind[];
  seq: number;
  readonly open: Set<number>;
  decision: Decision | undefined;
}

export class Teller {
  readonly records: HistoryRecord[];
  readonly #told = new Map<string, Told>();
  #at = 1000;

  constructor(options: Partial<Head> = {}) {
    this.records = [{ ...head, ...options }];
  }

  note(...records: readonly HistoryRecord[]): this {
    this.records.push(...records);
    return this;
  }

  /** A plan of branches of these kinds, each after those that are named for it. */
  open(xid: string, kinds: readonly Kind[], after: readonly (readonly number[])[] = []): this {
    this.#told.set(xid, { kinds, seq: 0, open: new Set(kinds.keys()), decision: undefined });
    return this.row(xid, {
      type: 'opened',
      name: xid,
      origin: 'told',
      businessKey: null,
      metadata: null,
      fingerprint: 'none',
      drivenBy: 'plan',
      deadlineAt: 1_000_000,
      onTimeout: 'rollback',
      check: null,
      traceId: 'none',
      policy,
      branches: kinds.map((kind, index) => ({
        id: `b${index + 1}`,
        kind,
        target: { participant: 'p', handler: 'h' },
        input: null,
        after: after[index] ?? [],
      })),
    });
  }

  row(xid: string, ...events: readonly Event[]): this {
    const seq = ++this.#of(xid).seq;
    const at = ++this.#at;
    return this.note({ t: 'row', xid, seq, append: `${xid}-${seq}`, appender: 'coordinator', at, events });
  }

  effect(xid: string, branch: number, phase: Phase, more: Partial<EffectRecord> = {}): this {
    const op = opOf(this.#of(xid).kinds[branch - 1] ?? 'saga', phase);
    if (!op) throw new Error(`branch ${branch} of ${xid} has no ${phase} op`);
    return this.note({ t: 'effect', xid, branch, op, participant: 'p', at: this.#at, ...more });
  }

  /** A forward op takes effect, and the log has it. */
  done(xid: string, branch: number, ...micro: readonly MicroOp[]): this {
    this.effect(xid, branch, 'forward', { micro });
    return this.row(xid, { type: 'branch_done', branch, attempt: 1, output: null });
  }

  decide(xid: string, decision: Decision): this {
    const told = this.#of(xid);
    told.decision = decision;
    if (decision === 'commit')
      for (const index of told.open) if (!opOf(told.kinds[index] ?? 'saga', 'commit')) told.open.delete(index);
    return this.row(xid, { type: 'decided', decision, reason: null }, ...this.#end(told));
  }

  /** A commit or rollback op takes effect, and the log has it. */
  settle(xid: string, branch: number, ...micro: readonly MicroOp[]): this {
    const told = this.#of(xid);
    const isCommit = told.decision === 'commit';
    told.open.delete(branch - 1);
    this.effect(xid, branch, isCommit ? 'commit' : 'rollback', { micro });
    const type = isCommit ? 'branch_committed' : 'branch_undone';
    return this.row(xid, { type, branch, attempt: 1 }, ...this.#end(told));
  }

  /** Decides, and settles what is left, the last branch first. */
  end(xid: string, decision: Decision): this {
    this.decide(xid, decision);
    for (const index of [...this.#of(xid).open].reverse()) this.settle(xid, index + 1);
    return this;
  }

  verdict(): Verdict {
    return verdictOf(this.records);
  }

  #of(xid: string): Told {
    const told = this.#told.get(xid);
    if (!told) throw new Error(`nobody opened ${xid}`);
    return told;
  }

  #end({ open, decision }: Told): readonly Event[] {
    if (open.size > 0) return [];
    return [{ type: 'ended', status: decision === 'commit' ? 'committed' : 'rolled_back' }];
  }
}

export function verdictOf(records: readonly HistoryRecord[]): Verdict {
  const checker = new HistoryChecker();
  for (const record of records) checker.feed(record);
  return checker.verdict();
}

/** `invariant what`, of each violation. */
export const wrongIn = ({ violations }: Pick<Verdict, 'violations'>): readonly string[] =>
  violations.map(({ invariant, what }) => `${invariant} ${what}`);
