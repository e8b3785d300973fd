import type { Clock } from '../clock.js';
import type { State } from '../decide/state.js';

interface Watcher {
  readonly when: (state: State) => boolean;
  readonly done: (state: State) => void;
  newest: State;
}

/** How often a waiting caller looks whether another coordinator moved its transaction: ever more seldom. */
const lookMs = { first: 250, most: 2000, factor: 1.5 };

/** Callers who wait for a transaction to get somewhere. */
export class Watchers {
  readonly #all = new Set<Watcher>();

  /** Resolves when `when` holds, or with the newest state when the time is up, whatever becomes of `look`. */
  wait(
    when: (state: State) => boolean,
    newest: State,
    timeoutMs: number,
    clock: Clock,
    look: () => void,
  ): Promise<State> {
    const until = clock.monotonic() + timeoutMs;
    return new Promise((resolve) => {
      let cancel: () => void = () => undefined;
      let pauseMs = lookMs.first;
      const watcher: Watcher = {
        when,
        newest,
        done: (state) => {
          this.#all.delete(watcher);
          cancel();
          resolve(state);
        },
      };
      this.#all.add(watcher);
      const tick = () => {
        const leftMs = until - clock.monotonic();
        if (leftMs <= 0) return watcher.done(watcher.newest);
        cancel = clock.after(Math.min(leftMs, pauseMs), () => {
          look();
          tick();
        });
        pauseMs = Math.min(pauseMs * lookMs.factor, lookMs.most);
      };
      tick();
    });
  }

  tell(state: State): void {
    for (const watcher of this.#all) {
      watcher.newest = state;
      if (watcher.when(state)) watcher.done(state);
    }
  }

  /** Lets everybody go with what they have. */
  release(): void {
    for (const watcher of this.#all) watcher.done(watcher.newest);
  }
}
