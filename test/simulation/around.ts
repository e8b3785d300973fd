import type { Append } from '../../coordinator/store/store.js';
import type { StoreFile } from './file.js';
import type { Instance } from './instance.js';
import type { Settings } from './settings.js';
import type { StoreParts } from './stores.js';
import type { Wire } from './wire.js';

/** What one coordinator stands in. */
export interface Around extends StoreParts {
  readonly wire: Wire;
  readonly settings: Settings;
  readonly noteWon: (append: Append) => void;
  /** Where the store is, unless it is in memory. */
  readonly file: StoreFile | undefined;
  /** The instance that listens there. */
  readonly instanceAt: (origin: string) => Instance | undefined;
}
