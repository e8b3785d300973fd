import { ConcordatError } from '../../sdk/protocol/errors.js';
import type { Directory } from './directory.js';
import type { Rooms } from './route.js';

/**
 * Reads a body that may name participants. What is known of them here may be older than what they registered with another
 * coordinator, and a repeat of what that one took must not be refused: so the store is looked at once more before that.
 */
export async function readKnowing<T>(
  { directory, registry }: Pick<Rooms, 'directory' | 'registry'>,
  read: (directory: Directory) => T,
): Promise<T> {
  let asked = false;
  const watched: Directory = {
    kindOf(participant, handler) {
      asked = true;
      return directory.kindOf(participant, handler);
    },
    answersCheck(participant, name) {
      asked = true;
      return directory.answersCheck(participant, name);
    },
  };
  try {
    return read(watched);
  } catch (error) {
    const isInvalid = error instanceof ConcordatError && error.code === 'invalid_request';
    if (!isInvalid || !asked) throw error;
    await registry.refresh();
    return read(directory);
  }
}
