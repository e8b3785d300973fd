import { openPlace, type Place, type Turn } from './place.js';

/** Those who wait, first come, first served. Who left is passed over. */
export class PlacesInLine {
  #waiting: ((turn: Turn) => boolean)[] = [];
  #next = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Waits behind all that wait already. */
  wait(): Place {
    const { place, tell } = openPlace(() => this.#size--);
    this.#waiting.push(tell);
    this.#size++;
    return place;
  }

  /** Tells the first who has not left; false when nobody waits. */
  tellNext(): boolean {
    for (let next = this.#shift(); next; next = this.#shift()) {
      if (!next('go')) continue;
      this.#size--;
      return true;
    }
    return false;
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
