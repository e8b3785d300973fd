/** The process that a timer belongs to. */
export interface Owner {
  readonly state: 'running' | 'paused' | 'dead';
  /** Keeps a timer that came due while it is paused. */
  hold(timer: Timer): void;
}

export interface Timer {
  readonly at: number;
  /** Those of one moment go off in the order in which they were set. */
  readonly order: number;
  readonly owner: Owner;
  /** Undefined once it was cancelled. */
  callback: (() => void) | undefined;
}

/** Timers of many processes, the next one first. Those of a paused process are kept for it, those of a dead one dropped. */
export class Timers {
  readonly #heap: Timer[] = [];
  #order = 0;

  add(at: number, owner: Owner, callback: () => void): () => void {
    const timer: Timer = { at, order: this.#order++, owner, callback };
    this.push(timer);
    return () => {
      timer.callback = undefined;
    };
  }

  /** Takes the next one that goes off by `until`. */
  take(until: number): Timer | undefined {
    for (;;) {
      const first = this.#heap[0];
      if (!first || first.at > until) return undefined;
      this.#pop();
      if (!first.callback || first.owner.state === 'dead') continue;
      if (first.owner.state === 'running') return first;
      first.owner.hold(first);
    }
  }

  push(timer: Timer): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(timer);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent] as Timer;
      if (!isBefore(timer, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = timer;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (!last || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      const right = heap[child + 1];
      if (right && isBefore(right, heap[child] as Timer)) child++;
      const below = heap[child];
      if (!below || !isBefore(below, last)) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = last;
  }
}

const isBefore = (one: Timer, other: Timer): boolean =>
  one.at < other.at || (one.at === other.at && one.order < other.order);
