import type { Rehearsed } from './options.js';
import type { CaseTime } from './present.js';

/** The services of one case after the other. */
export interface Services<Made> {
  /** As they are at first. */
  next(): Promise<Made>;
  /** The case is over. `whole`: nothing of it hangs. */
  done(whole: boolean): Promise<void>;
  close(): Promise<void>;
}

export function servicesOf<Made extends Rehearsed>(
  make: (time: CaseTime) => Promise<Made> | Made,
  time: CaseTime,
): Services<Made> {
  let made: Made | undefined;

  async function close(): Promise<void> {
    const old = made;
    made = undefined;
    await old?.close?.();
  }

  return {
    async next() {
      if (made?.reset) {
        await made.reset();
        return made;
      }
      const fresh = await make(time);
      made = checked(fresh);
      return fresh;
    },
    async done(whole) {
      // What hangs would hold up its own end.
      if (!whole) void close().catch(() => undefined);
      else if (!made?.reset) await close();
    },
    close,
  };
}

function checked<Made extends Rehearsed>(made: Made): Made {
  if (Array.isArray(made?.participants)) return made;
  throw new TypeError('participants: expected the function to answer { participants: […] }, got something else');
}
