/** Brings a transaction that this process drives to its decision, and to its end where that is asked for. */
import { planted } from '#faults';
import { ConcordatError } from '../protocol/errors.js';
import { limits } from '../protocol/limits.js';
import type { TransactionView } from '../protocol/views.js';
import type { Caller, Calls } from './calls.js';
import { type Ambient, sleep } from './environment.js';
import { RolledBack, Uncertain } from './errors.js';
import { patience } from './patience.js';
import { isNo, reasonOf } from './reasons.js';

/** What the end of a method waits for: that the decision is durable, or that it is carried out. */
export type WaitFor = 'decision' | 'final';

/** Between two questions whether a transaction is decided; each waits for it by itself. */
const askAgainMs = 200;

/** Commits. Rejects with RolledBack when it came to that, with Uncertain when nobody says what it came to. */
export async function commit({ calls, ambient }: Caller, xid: string, waitFor: WaitFor): Promise<void> {
  const view = await committed({ calls, ambient }, xid);
  if (view.decision === 'rollback' && !planted('return-though-rolled-back')) throw new RolledBack(view);
  if (waitFor === 'final') await toTheEnd(calls, view);
}

type Asking = Pick<Caller, 'calls' | 'ambient'>;

/** Asks for the commit until there is a decision. A request that was taken commits it, whatever comes of the next. */
async function committed({ calls, ambient }: Asking, xid: string): Promise<TransactionView> {
  const beganAt = ambient.monotonic();
  let wasTaken = false;
  try {
    for (;;) {
      const view = await calls.commit(xid);
      wasTaken = true;
      if (view.decision !== null) return view;
      // Its initiator was asked how its work ended, and gave no answer.
      if (view.status === 'parked') throw parked(view);
      mustNotBeOverdue(view, beganAt, ambient);
      await sleep(askAgainMs, ambient);
    }
  } catch (error) {
    if (error instanceof Uncertain) throw error;
    // The coordinator rolled it back; that is known, whether or not it can be shown.
    if (isAlreadyDecided(error)) return shown(calls, xid, error);
    if (!isNo(error, wasTaken)) throw unheard(xid, error);
    throw isUnknownXid(error) ? error : notTold(xid, 'committed', error);
  }
}

const shown = (calls: Calls, xid: string, decided: ConcordatError): Promise<TransactionView> =>
  calls.get(xid).catch(() => {
    throw decided;
  });

export const isAlreadyDecided = (error: unknown): error is ConcordatError =>
  error instanceof ConcordatError && error.code === 'already_decided';

/** There is nothing that could be committed, and no deadline that decides. */
const isUnknownXid = (error: unknown): boolean =>
  error instanceof ConcordatError && error.code === 'transaction_not_found';

/**
 * Rolls back. Rejects with ConcordatError `already_decided` when commit is, with Uncertain when nobody says what it came to:
 * not that it could be told, nor how it is to end.
 */
export async function rollback(
  { calls, ambient }: Caller,
  xid: string,
  reason: string,
  waitFor: WaitFor,
): Promise<TransactionView> {
  const beganAt = ambient.monotonic();
  let view: TransactionView;
  try {
    for (;;) {
      view = await calls.rollback(xid, { reason });
      if (view.decision === 'rollback') break;
      // Its initiator is asked first, and a person when that gave no answer.
      if (view.status === 'parked') throw parked(view);
      mustNotBeOverdue(view, beganAt, ambient);
      await sleep(askAgainMs, ambient);
    }
  } catch (error) {
    throw isAlreadyDecided(error) || error instanceof Uncertain ? error : notTold(xid, 'rolled back', error);
  }
  return waitFor === 'final' && view.status !== 'parked' ? heardOfEnd(view, calls.wait(xid)) : view;
}

async function toTheEnd(calls: Calls, decided: TransactionView): Promise<void> {
  let view = decided;
  while (view.status === 'committing')
    view = await heardOfEnd(view, calls.wait(view.xid, { timeoutMs: limits.waitSecondsMax * 1000 }));
  if (view.status === 'parked') throw parked(view);
}

/** What it is to come to is known, whatever comes of asking on. */
const heardOfEnd = ({ xid, decision }: TransactionView, asked: Promise<TransactionView>): Promise<TransactionView> =>
  asked.catch((cause: unknown) => {
    throw new Uncertain(
      `${decision} of transaction ${xid} is decided and will be carried out, but nobody answers whether it is: ${reasonOf(cause)}`,
      { xid, cause },
    );
  });

/**
 * Throws when a transaction that is not decided should long be: its deadline decides, unless it waits for the answer of a
 * check, and whoever is to answer may be gone for good. `beganAt`: when this was first asked; it was open by then.
 */
export function mustNotBeOverdue({ openedAt, deadlineAt }: TransactionView, beganAt: number, ambient: Ambient): void {
  if (deadlineAt === null) return;
  const openMs = Date.parse(deadlineAt) - Date.parse(openedAt);
  if (ambient.monotonic() - beganAt < openMs + patience.knownMs) return;
  throw new Error(`its deadline of ${openMs} ms is over for long, and nothing is decided: does its check answer?`);
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
const notTold = (xid: string, wanted: 'committed' | 'rolled back', cause: unknown): Uncertain =>
  new Uncertain(
    `transaction ${xid} was to be ${wanted}, and the coordinator could not be told, or did not say so (${reasonOf(cause)}); its deadline decides, by itself for a rollback`,
    { xid, cause },
  );
