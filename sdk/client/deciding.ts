/** Brings a transaction that this process drives to its decision, and to its end where that is asked for. */
import { planted } from '#faults';
import { ConcordatError } from '../protocol/errors.js';
import { limits } from '../protocol/limits.js';
import type { TransactionView } from '../protocol/views.js';
import type { Caller, Calls } from './calls.js';
import { sleep } from './environment.js';
import { NoCoordinator, RolledBack, Uncertain } from './errors.js';
import { mayBeDone } from './reasons.js';

/** What the end of a method waits for: that the decision is durable, or that it is carried out. */
export type WaitFor = 'decision' | 'final';

/** Between two questions whether a transaction is decided; each waits for it by itself. */
const askAgainMs = 200;

/** Commits. Rejects with RolledBack when it came to that, with Uncertain when nobody says what it came to. */
export async function commit({ calls, ambient }: Caller, xid: string, waitFor: WaitFor): Promise<void> {
  for (;;) {
    const view = await calls.commit(xid).catch((error: unknown) => {
      if (error instanceof ConcordatError && error.code === 'already_decided') return calls.get(xid);
      if (mayBeDone(error)) throw unheard(xid, error);
      throw error instanceof NoCoordinator ? notTold(xid, 'committed', error) : error;
    });
    if (view.decision === 'rollback' && !planted('return-though-rolled-back')) throw new RolledBack(view);
    if (view.decision !== null) return waitFor === 'final' ? toTheEnd(calls, view) : undefined;
    // Its initiator was asked how its work ended, and gave no answer.
    if (view.status === 'parked') throw parked(view);
    await sleep(askAgainMs, ambient);
  }
}

/** Rolls back. Rejects with ConcordatError `already_decided` when commit is, with whatever kept it from being asked. */
export async function rollback(
  { calls, ambient }: Caller,
  xid: string,
  reason: string,
  waitFor: WaitFor,
): Promise<TransactionView> {
  for (;;) {
    const view = await calls.rollback(xid, { reason });
    if (view.decision === 'rollback') return waitFor === 'final' && view.status !== 'parked' ? calls.wait(xid) : view;
    // Its initiator is asked first, and a person when that gave no answer.
    if (view.status === 'parked') throw parked(view);
    await sleep(askAgainMs, ambient);
  }
}

async function toTheEnd(calls: Calls, decided: TransactionView): Promise<void> {
  let view = decided;
  while (view.status === 'committing') view = await calls.wait(view.xid, { timeoutMs: limits.waitSecondsMax * 1000 });
  if (view.status === 'parked') throw parked(view);
}

/** Only a person moves it now. */
export function parked({ xid, name, decision, waitingOn, reason }: TransactionView): Uncertain {
  const decided = decision === null ? 'nothing is decided' : `${decision} is decided`;
  const why = waitingOn.find(({ dueAt }) => dueAt === null)?.lastError ?? reason ?? 'no reason given';
  return new Uncertain(
    `transaction ${xid} ('${name}') is parked and waits for a person: ${decided}, but ${why}; look at it with: concordat tx show ${xid}`,
    { xid },
  );
}

/** The request may have been carried out. */
const unheard = (xid: string, cause: unknown): Uncertain =>
  new Uncertain(
    `nobody answers whether the commit of transaction ${xid} was decided; ask for it with client.get('${xid}') when the coordinator is back`,
    { xid, cause },
  );

/** The coordinator could not be told how it is to end: its deadline rolls it back. */
export const notTold = (xid: string, wanted: 'committed' | 'rolled back', cause: unknown): Uncertain =>
  new Uncertain(
    `transaction ${xid} was to be ${wanted}, and the coordinator could not be told (${String(cause)}); its deadline decides, by itself for a rollback`,
    { xid, cause },
  );
