/** What a command that waits in a lane is told in the end. */
export type Turn = 'go' | 'recalled' | 'stopped';

/** A command's place in a lane. */
export interface Place {
  readonly turn: Promise<Turn>;
  /** Gives the place up. False when the turn had come before. */
  leave(why: 'recalled' | 'stopped'): boolean;
}

/** The calls to one target: so many at once, the others first come, first served. */
export class Lane {
  #taken = 0;
  #waiting: ((turn: 'go') => boolean)[] = [];
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
    let tell: ((turn: Turn) => void) | undefined;
    const turn = new Promise<Turn>((resolve) => {
      tell = resolve;
    });
    const tellOnce = (what: Turn): boolean => {
      if (!tell) return false;
      tell(what);
      tell = undefined;
      return true;
    };
    this.#waiting.push(tellOnce);
    return { turn, leave: tellOnce };
  }

  /** Hands the slot to the next in line that has not left. */
  exit(): void {
    for (let next = this.#shift(); next; next = this.#shift()) if (next('go')) return;
    this.#taken--;
  }

  get isEmpty(): boolean {
    return this.#taken === 0;
  }

  #shift(): ((turn: 'go') => boolean) | undefined {
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
