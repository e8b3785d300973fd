/** What a command that waits is told in the end. */
export type Turn = 'go' | 'recalled' | 'stopped';

/** Where a command waits: in a lane, or for an instance. */
export interface Place {
  readonly turn: Promise<Turn>;
  /** Gives the place up. False when the turn had come before. */
  leave(why: 'recalled' | 'stopped'): boolean;
}

/** A place, and how its turn is told: false when it was told or given up before. */
export function openPlace(onLeft: () => void = () => undefined): {
  readonly place: Place;
  readonly tell: (turn: Turn) => boolean;
} {
  let resolve: ((turn: Turn) => void) | undefined;
  const turn = new Promise<Turn>((resolved) => {
    resolve = resolved;
  });
  const tell = (what: Turn): boolean => {
    if (!resolve) return false;
    resolve(what);
    resolve = undefined;
    if (what !== 'go') onLeft();
    return true;
  };
  return { place: { turn, leave: tell }, tell };
}
