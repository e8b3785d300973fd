import type { ErrorCode } from '../../sdk/protocol/errors.js';
import type { CoordinatorId } from '../../sdk/protocol/ids.js';
import type { Op } from '../../sdk/protocol/kinds.js';
import type { CheckAnswer, Outcome } from '../../sdk/protocol/outcomes.js';
import type { BranchSpec, Event, EventOf, Resolution } from './events.js';

export type { Resolution } from './events.js';

export type OpenRequest = Omit<EventOf<'opened'>, 'type'>;

/** What can come in: from a client, a participant, the clock, a person or the sweep. */
export type Input =
  | { readonly type: 'open'; readonly request: OpenRequest }
  | { readonly type: 'add_branch'; readonly spec: BranchSpec }
  | { readonly type: 'commit' }
  | { readonly type: 'rollback'; readonly reason: string }
  | { readonly type: 'rollback_only'; readonly reason: string }
  /** `late`: the participant brought it by itself; then `attempt` is not known. */
  | {
      readonly type: 'outcome';
      readonly branch: number;
      readonly op: Op;
      readonly attempt: number | 'late';
      readonly outcome: Outcome;
    }
  /** The outcome came, but the log could not take it: its branch parks. */
  | { readonly type: 'unstorable'; readonly branch: number; readonly op: Op; readonly error: string }
  | {
      readonly type: 'check_answer';
      readonly attempt: number;
      readonly answer: CheckAnswer | { readonly error: string };
    }
  | { readonly type: 'deadline' }
  | { readonly type: 'retry'; readonly by: string }
  | {
      readonly type: 'resolve';
      readonly branches: readonly Resolution[];
      readonly by: string;
      /** It takes effect when a second person asks for the same. */
      readonly twoPersons?: boolean;
    }
  | { readonly type: 'adopt'; readonly from: CoordinatorId };

export type InputType = Input['type'];
export type InputOf<T extends InputType> = Extract<Input, { type: T }>;

/** Time and chance, as arguments. `draw` is in [0, 1). */
export interface Moment {
  readonly now: number;
  readonly draw: number;
  /** Who decides. */
  readonly me: CoordinatorId;
}

/**
 * - `append`: these events, in one row.
 * - `same`: a repeat; nothing to write, the present state is the answer.
 * - `stale`: it came too late to matter; nothing to write.
 * - `refuse`: an error of the catalogue for whoever asked.
 */
export type Verdict =
  | { readonly kind: 'append'; readonly events: readonly Event[] }
  | { readonly kind: 'same' }
  | { readonly kind: 'stale'; readonly why: string }
  | { readonly kind: 'refuse'; readonly code: ErrorCode; readonly detail: string };
