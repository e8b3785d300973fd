import { openPlace, type Place, type Turn } from './place.js';

/** The calls to one target: so many at once, the others first come, first served. */
export class Lane {
  #taken = 0;
  #waiting: ((turn: Turn) => boolean)[] = [];
  #next = 0;
  readonly #width: number;

  constructor(width: number) {
    this.#width = width;
  }

  /** Takes a free slot at once; false when there is none. */
  tryEnter(): boolean {
    if (this.#taken >= this.#width) return false;
    this.#taken++;
    return true;
  }

  /** Waits for a slot behind all that wait already. */
  wait(): Place {
    const { place, tell } = openPlace();
    this.#waiting.push(tell);
    return place;
  }

  /** Hands the slot to the next in line that has not left. */
  exit(): void {
    for (let next = this.#shift(); next; next = this.#shift()) if (next('go')) return;
    this.#taken--;
  }

  get isEmpty(): boolean {
    return this.#taken === 0;
  }

  #shift(): ((turn: Turn) => boolean) | undefined {
    const next = this.#waiting[this.#next++];
    if (this.#next > 1024 && this.#next * 2 > this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#next);
      this.#next = 0;
    }
    if (!next) {
      this.#waiting = [];
      this.#next = 0;
    }
    return next;
  }
}
