import { openPlace, type Place, type Turn } from './place.js';

interface Waiting {
  readonly tell: (turn: Turn) => boolean;
  hasLeft: boolean;
}

/** So many who left are kept, and as many again as those who wait. */
const leftMax = 1024;

/** Those who wait, first come, first served. Who left is passed over. */
export class PlacesInLine {
  #waiting: Waiting[] = [];
  #next = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Waits behind all that wait already. */
  wait(): Place {
    const { place, tell } = openPlace(() => this.#leave(waiting));
    const waiting: Waiting = { tell, hasLeft: false };
    this.#waiting.push(waiting);
    this.#size++;
    return place;
  }

  /** Tells the first who has not left; false when nobody waits. */
  tellNext(): boolean {
    for (let next = this.#shift(); next; next = this.#shift()) {
      if (!next.tell('go')) continue;
      this.#size--;
      return true;
    }
    return false;
  }

  /** In a line that stands still nobody is passed over, so those who left are cleared away here. */
  #leave(waiting: Waiting): void {
    waiting.hasLeft = true;
    this.#size--;
    if (this.#waiting.length - this.#next <= 2 * this.#size + leftMax) return;
    this.#waiting = this.#waiting.slice(this.#next).filter(({ hasLeft }) => !hasLeft);
    this.#next = 0;
  }

  #shift(): Waiting | undefined {
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
