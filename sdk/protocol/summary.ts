import type { CoordinatorId } from './ids.js';
import type { Decision, TransactionStatus } from './views.js';

/** What lists, deadlines and recovery need of a transaction. The log is the truth; this is a cache of it. Times are UTC ms. */
export interface Summary {
  readonly name: string;
  readonly businessKey: string | null;
  /** Names of the registered participants that take part. */
  readonly participants: readonly string[];
  readonly status: TransactionStatus;
  readonly decision: Decision | null;
  readonly reason: string | null;
  readonly openedAt: number;
  readonly decidedAt: number | null;
  readonly deadlineAt: number | null;
  readonly finishedAt: number | null;
  /** When somebody must look at it again though nothing happened; null when nothing is due. */
  readonly dueAt: number | null;
  readonly owner: CoordinatorId;
}
