/**
 * What is kept of a transaction that is over: as much as later promises are held against. Its appends are kept as hashes of
 * 32 bits, so that one promise in four thousand million about a row that is not there would pass for kept.
 */
import { phaseOfState, phases, type State } from '../../coordinator/decide/state.js';
import { hashOf, Numbers } from './numbers.js';
import type { Trail } from './trail.js';

/** What a claim is held against: a trail that goes on, or what is kept of one that is over. */
export interface Facts {
  /** Whether that row is there with that append. */
  readonly hasRow: (seq: number, append: string) => boolean;
  readonly decision: State['decision'];
  readonly ended: State['ended'];
  readonly forwardOf: (branch: number) => string | null;
}

const forwards = [null, 'done', 'refused', 'unknown'] as const;

export class Past {
  readonly #places = new Map<string, number>();
  readonly #phase = new Numbers();
  readonly #decision = new Numbers();
  readonly #rowsFrom = new Numbers();
  readonly #branchesFrom = new Numbers();
  readonly #rows = new Numbers();
  readonly #branches = new Numbers();
  /** Of the few in which a person did something. */
  readonly deeds = new Map<string, ReadonlyMap<string, number>>();

  get size(): number {
    return this.#places.size;
  }

  has(xid: string): boolean {
    return this.#places.has(xid);
  }

  add({ xid, rows, state, deeds }: Trail): void {
    this.#places.set(xid, this.#phase.push(phases.indexOf(phaseOfState(state))));
    this.#decision.push(state?.decision === 'commit' ? 1 : state?.decision ? 2 : 0);
    this.#rowsFrom.push(this.#rows.length);
    this.#branchesFrom.push(this.#branches.length);
    for (const { append } of rows) this.#rows.push(hashOf(append));
    for (const { forward } of state?.branches ?? []) this.#branches.push(forwards.indexOf(forward));
    if (deeds) this.deeds.set(xid, deeds);
  }

  facts(xid: string): Facts | undefined {
    const place = this.#places.get(xid);
    if (place === undefined) return undefined;
    const phase = phases[this.#phase.at(place)];
    return {
      hasRow: (seq, append) => this.#within(this.#rowsFrom, this.#rows, place, seq) === hashOf(append),
      decision: [null, 'commit', 'rollback'][this.#decision.at(place)] as State['decision'],
      ended: phase === 'committed' || phase === 'rolled_back' || phase === 'resolved' ? phase : null,
      forwardOf: (branch) => forwards[this.#within(this.#branchesFrom, this.#branches, place, branch) ?? 0] ?? null,
    };
  }

  /** The n-th (from 1) of a transaction's own; undefined when it has fewer. */
  #within(from: Numbers, all: Numbers, place: number, n: number): number | undefined {
    const index = from.at(place) + n - 1;
    const end = place + 1 < from.length ? from.at(place + 1) : all.length;
    return n >= 1 && index < end ? all.at(index) : undefined;
  }
}

export const factsOf = ({ rows, state }: Trail): Facts => ({
  hasRow: (seq, append) => rows[seq - 1]?.append === append,
  decision: state?.decision ?? null,
  ended: state?.ended ?? null,
  forwardOf: (branch) => state?.branches[branch - 1]?.forward ?? null,
});
