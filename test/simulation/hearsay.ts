/** I2, I3, I12: what the clients of the SDK were told agrees with how it ended. */
import { type Branch, statusOf } from '../../coordinator/decide/state.js';
import type { Xid } from '../../sdk/protocol/ids.js';
import { isFinal } from '../../sdk/protocol/views.js';
import type { Flaw } from './books.js';
import type { CallHeard, Folded, Heard, History } from './history.js';

export function wrongHearsay({ heard = [], lost }: History, folded: ReadonlyMap<Xid, Folded>): readonly Flaw[] {
  const flaws: Flaw[] = [];
  for (const each of heard) {
    // What was read of rows that were never durable holds nothing.
    if (lost?.has(each.xid)) continue;
    for (const what of wrongOf(each, folded.get(each.xid))) flaws.push({ xid: each.xid, what });
  }
  return flaws;
}

function wrongOf({ asked, said, status, calls }: Heard, one: Folded | undefined): readonly string[] {
  if (!one) return said === 'commit' || said === 'rollback' ? [`'${asked}' was told ${said}, and it is not there`] : [];
  const { decision, byHand, branches } = one.state;
  const found: string[] = [];
  if (said === 'never') found.push(`'${asked}' was told that it never was, and it is ${statusOf(one.state)}`);
  if ((said === 'commit' || said === 'rollback') && decision !== said)
    found.push(`'${asked}' was told ${said}, and it is ${decision}`);
  if (said === 'not committed' && decision === 'commit') found.push(`'${asked}' was told no, and it is committed`);
  if (status && isFinal(status) && statusOf(one.state) !== status)
    found.push(`'${asked}' was told ${status}, and it is ${statusOf(one.state)}`);
  if (byHand || decision !== 'commit') return found;
  for (const call of calls) {
    const flaw = wrongCall(
      call,
      branches.find(({ id }) => id === call.id),
      said,
    );
    if (flaw) found.push(`the call ${call.id} ${flaw}, and it is committed`);
  }
  return found;
}

/** Of a call in a transaction that is committed: what its code saw of it must be so. */
function wrongCall({ saw }: CallHeard, branch: Branch | undefined, said: Heard['said']): string | undefined {
  const isDone = branch !== undefined && branch.stage.at !== 'refused';
  switch (saw) {
    case 'done':
      return isDone ? undefined : 'was told it is done, and is not';
    case 'failed':
      return isDone ? 'was told it failed, and is done' : undefined;
    case 'rolled back':
      return 'was told that all is rolled back';
    case 'unknown':
      // A transaction of one call is committed with it.
      return said === 'nothing' ? undefined : 'was left open';
    case 'unseen':
      return isDone || said !== 'commit' ? undefined : 'was not awaited, and is not done';
    default:
      return saw satisfies never;
  }
}
