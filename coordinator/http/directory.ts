import type { Kind } from '../../sdk/protocol/kinds.js';

/** Knows the registered participants. */
export interface Directory {
  /** The kind of a handler; undefined when there is no such participant or it has no such handler. */
  kindOf(participant: string, handler: string): Kind | undefined;
  /** Whether a participant answers checks of that name, as far as it said so. */
  answersCheck(participant: string, name: string): boolean;
}

/** Knows nobody: commands can only go to URLs. */
export const emptyDirectory: Directory = Object.freeze({
  kindOf: () => undefined,
  answersCheck: () => false,
});
