/** A case as data: what it is made of, and all that is known of it afterwards. */
import type { Boundary } from './boundaries.js';
import type { Outcome } from './coordinators.js';
import type { Contents, NamedDatabase } from './databases.js';
import type { ExploreOptions, Rehearsed, Saga } from './options.js';
import type { Present } from './present.js';
import type { Schedule, Step } from './schedule.js';
import type { Halt } from './time.js';
import type { Offence, Witness } from './witness.js';

/** What one command did to the databases. */
export interface Effect {
  readonly step: Step;
  readonly before: Contents;
  readonly after: Contents;
}

/** All that is known of a case that is over. */
export interface Rehearsal {
  readonly schedule: Schedule;
  readonly lines: readonly string[];
  readonly halt: Halt;
  /** What was under way when something real did not come back. */
  readonly stuckIn: Step | 'saga' | undefined;
  readonly outcomes: readonly Outcome[];
  readonly sagaEnded: boolean;
  readonly sagaError: unknown;
  readonly drives: boolean;
  /** In the order in which they were first sent. */
  readonly steps: readonly Step[];
  readonly boundaries: readonly Boundary[];
  readonly requests: number;
  readonly witness: Witness;
  readonly contents: Contents;
  /** As it was before commands arrived that were held up until all was over; undefined where none were. */
  readonly early: { readonly contents: Contents; readonly runs: number } | undefined;
  readonly databases: readonly NamedDatabase[];
  /** By key of the step; where they were looked at. */
  readonly effects: ReadonlyMap<string, Effect>;
  /** What the user's own checks said, and what was seen while it ran. */
  readonly offences: readonly Offence[];
}

export interface RehearsalParts<Made extends Rehearsed> {
  readonly saga: Saga<Made>;
  readonly options: ExploreOptions<Made>;
  readonly made: Made;
  readonly schedule: Schedule;
  /** Looks at the databases before and after each command too. */
  readonly looks: boolean;
  readonly present: Present;
}
