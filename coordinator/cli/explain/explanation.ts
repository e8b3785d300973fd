/** What `concordat explain` knows and says, as data. Everything is taken from the answers of a coordinator. */
import type {
  BranchView,
  EventView,
  ParticipantView,
  TransactionStatus,
  TransactionView,
} from '../../../sdk/protocol/views.js';

/** What is known of a transaction at a moment. */
export interface Known {
  readonly view: TransactionView;
  /** Its whole log. */
  readonly events: readonly EventView[];
  readonly participants: readonly ParticipantView[];
  /** UTC ms. */
  readonly now: number;
  /** Of the coordinator, where it was named by a flag: commands to type need it, too. */
  readonly url?: string;
}

export interface Happened {
  readonly at: string;
  readonly text: string;
}

export interface Told {
  /** Of what it is told; null of the transaction as a whole. */
  readonly branch: number | null;
  readonly text: string;
  /** When it is due, where that is known. */
  readonly at: string | null;
}

export interface Advice {
  readonly text: string;
  /** The command to type; null where it is nothing of Concordat's. */
  readonly command: string | null;
}

/**
 * What the end means for the branches. `mixed`: some took effect, others did not. `unknown`: nobody knows of some.
 * `open`: there is no end yet.
 */
export interface Effects {
  readonly kind: 'open' | 'all' | 'none' | 'mixed' | 'unknown';
  /** Ids of branches that took effect and keep it; in the end, or as far as it is known. */
  readonly inEffect: readonly string[];
  readonly without: readonly string[];
  /** Nobody knows yet. */
  readonly unknown: readonly string[];
}

export interface Explanation {
  readonly xid: string;
  readonly name: string;
  readonly status: TransactionStatus;
  readonly headline: string;
  readonly effects: Effects;
  readonly happened: readonly Happened[];
  readonly waitsFor: readonly Told[];
  readonly next: readonly Told[];
  readonly youCan: readonly Advice[];
}

/** What the first event says of a branch, or the one that added it, and what its view does not. */
export interface Spec {
  readonly id: string;
  readonly pivot?: boolean;
  readonly deliverAt?: string;
  readonly retry?: { readonly attemptsMax: number };
}

export interface Opened {
  readonly drivenBy: 'plan' | 'initiator';
  readonly onTimeout: 'rollback' | 'ask';
  readonly policy: {
    readonly parkAfterMs: number;
    readonly pendingForMs: number;
    readonly retry: { readonly attemptsMax: number };
  };
  readonly branches: readonly Spec[];
}

/** The first event; that of an empty log is made up. */
export function openedOf({ events }: Pick<Known, 'events'>): Opened {
  const first = events.find(({ type }) => type === 'opened') as (EventView & Partial<Opened>) | undefined;
  return {
    drivenBy: first?.drivenBy ?? 'initiator',
    onTimeout: first?.onTimeout ?? 'rollback',
    policy: first?.policy ?? { parkAfterMs: 0, pendingForMs: 0, retry: { attemptsMax: 0 } },
    branches: first?.branches ?? [],
  };
}

export function specOf(known: Pick<Known, 'events'>, branch: Pick<BranchView, 'branch' | 'id'>): Spec {
  const planned = openedOf(known).branches[branch.branch - 1];
  if (planned) return planned;
  const added = known.events.find(
    ({ type, spec }) => type === 'branch_added' && (spec as unknown as Spec | undefined)?.id === branch.id,
  );
  return (added?.spec as unknown as Spec | undefined) ?? { id: branch.id };
}

/** `2 'pay' (payment/charge)` */
export const nameOf = ({ branch, id, participant, handler, url }: BranchView): string =>
  `${branch} '${id}' (${participant === null ? (url ?? 'unknown') : `${participant}/${handler}`})`;

export const branchAt = (view: TransactionView, number: unknown): BranchView | undefined =>
  view.branches.find(({ branch }) => branch === number);

/** Who is asked, in words. */
export const whoOf = ({ participant, url }: Pick<BranchView, 'participant' | 'url'>): string =>
  participant ?? url ?? 'its participant';
