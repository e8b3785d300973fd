/** I9: money and stock add up, nothing is ever negative, and what a reader of all balances saw is explained. */
import type { State } from '../../coordinator/decide/state.js';
import { type Kind, kindNames, phaseOf } from '../../sdk/protocol/kinds.js';
import type { EffectRecord, Report } from './records.js';

/** What a deposit would add: nobody's money yet. */
const isPending = (cell: string): boolean => cell.includes('pending:');
const isHeld = (cell: string): boolean => cell.includes('held:');
const participantOf = (cell: string): string => cell.slice(0, cell.indexOf('/'));

/** What the balances of a participant come to, and what of that is by transactions that go on. */
interface Sum {
  settled: number;
  /** By transactions that are not decided, per kind of the branch. */
  readonly undecided: number[];
  readonly decided: number[];
}

/** What one transaction moved so far, per participant and kind. */
interface Moved {
  isDecided: boolean;
  readonly parts: { readonly at: Sum; readonly kind: number; by: number }[];
}

/** A reader of all balances saw what is neither before nor after a transaction: of which kind, and whether it was decided. */
export type OnTotal = (anomaly: 'dirty total' | 'torn total', kind: Kind, xid: string, what: string) => void;

export class Books {
  readonly #cells = new Map<string, number>();
  readonly #after = new Map<string, number>();
  readonly #sums = new Map<string, Sum>();
  readonly #moved = new Map<string, Moved>();
  readonly #report: Report;
  readonly #onTotal: OnTotal;

  constructor(report: Report, onTotal: OnTotal) {
    this.#report = report;
    this.#onTotal = onTotal;
  }

  cell(cell: string, when: 'before' | 'after', amount: number): void {
    if (when === 'after') this.#after.set(cell, amount);
    else {
      this.#cells.set(cell, amount);
      if (!isPending(cell)) this.#sumOf(participantOf(cell)).settled += amount;
    }
  }

  effect({ xid, branch, op, deltas }: EffectRecord, kind: Kind | undefined, isDecided: boolean): void {
    if (!deltas) return;
    let sum = 0;
    for (const [cell, by] of deltas) {
      const left = (this.#cells.get(cell) ?? 0) + by;
      this.#cells.set(cell, left);
      if (left < 0) this.#report('I9', xid, `${branch}.${op} leaves ${left} in ${cell}`);
      if (isPending(cell)) continue;
      sum += by;
      if (kind) this.#move(xid, participantOf(cell), kindNames.indexOf(kind), by, isDecided);
    }
    // Where nothing is taken before it is decided, an undo only puts back.
    if (sum !== 0 && kind === 'tcc' && phaseOf(kind, op) !== 'commit')
      this.#report('I9', xid, `${branch}.${op} makes ${sum} out of nothing`);
  }

  decided(xid: string): void {
    const moved = this.#moved.get(xid);
    if (!moved || moved.isDecided) return;
    moved.isDecided = true;
    for (const { at, kind, by } of moved.parts) {
      at.undecided[kind] = (at.undecided[kind] ?? 0) - by;
      at.decided[kind] = (at.decided[kind] ?? 0) + by;
    }
  }

  over(xid: string): void {
    const moved = this.#moved.get(xid);
    if (!moved) return;
    for (const { at, kind, by } of moved.parts) {
      const open = moved.isDecided ? at.decided : at.undecided;
      open[kind] = (open[kind] ?? 0) - by;
      at.settled += by;
    }
    this.#moved.delete(xid);
  }

  /** Somebody added up all balances of a participant. */
  total(xid: string, participant: string, seen: number): void {
    const sum = this.#sumOf(participant);
    let expected = sum.settled;
    for (let kind = 0; kind < kindNames.length; kind++) {
      const name = kindNames[kind];
      const undecided = sum.undecided[kind] ?? 0;
      const decided = sum.decided[kind] ?? 0;
      expected += undecided + decided;
      if (!name) continue;
      const what = `${participant} adds up to ${seen}: ${sum.settled} by what is over`;
      if (undecided !== 0) this.#onTotal('dirty total', name, xid, `${what}, ${undecided} by what is not decided`);
      if (decided !== 0) this.#onTotal('torn total', name, xid, `${what}, ${decided} by what is half done`);
    }
    if (seen !== expected) this.#report('I9', xid, `${participant} adds up to ${seen}, by the ledger ${expected}`);
  }

  end(): void {
    for (const [cell, left] of this.#after)
      if ((this.#cells.get(cell) ?? 0) !== left)
        this.#report('I9', undefined, `${cell} holds ${left}, by the ledger ${this.#cells.get(cell) ?? 0}`);
  }

  #move(xid: string, participant: string, kind: number, by: number, isDecided: boolean): void {
    let moved = this.#moved.get(xid);
    if (!moved) {
      moved = { isDecided, parts: [] };
      this.#moved.set(xid, moved);
    }
    const at = this.#sumOf(participant);
    const open = moved.isDecided ? at.decided : at.undecided;
    open[kind] = (open[kind] ?? 0) + by;
    const part = moved.parts.find((each) => each.at === at && each.kind === kind);
    if (part) part.by += by;
    else moved.parts.push({ at, kind, by });
  }

  #sumOf(participant: string): Sum {
    let sum = this.#sums.get(participant);
    if (!sum) {
      sum = { settled: 0, undecided: [], decided: [] };
      this.#sums.set(participant, sum);
    }
    return sum;
  }
}

/** A transaction that is over moved as much away as to (where that is promised), and holds nothing back. */
export function checkSum(state: State, effects: readonly EffectRecord[], isConserved: boolean, report: Report): void {
  if (state.ended !== 'committed' && state.ended !== 'rolled_back') return;
  let sum = 0;
  let held: Map<string, number> | undefined;
  for (const { deltas } of effects) {
    for (const [cell, by] of deltas ?? []) {
      sum += by;
      if (isHeld(cell) || isPending(cell)) held = (held ?? new Map()).set(cell, (held?.get(cell) ?? 0) + by);
    }
  }
  if (sum !== 0 && (isConserved || state.ended === 'rolled_back'))
    report('I9', state.xid, `${state.ended}, and ${sum} too much`);
  for (const [cell, by] of held ?? [])
    if (by !== 0) report('I9', state.xid, `${state.ended}, and ${by} left in ${cell}`);
}
