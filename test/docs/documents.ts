import { statesDocument } from '../decide/states-doc.js';
import { errorsPage } from './errors.js';

/** A page under `docs/` that is generated from the code. */
export interface Document {
  /** Relative to the repository's root. */
  readonly path: string;
  readonly render: () => string;
}

export const documents: readonly Document[] = Object.freeze([
  { path: 'docs/errors.md', render: errorsPage },
  { path: 'docs/states.md', render: statesDocument },
]);
