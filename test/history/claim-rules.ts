/** I2, I3, I12 and I15: what was promised, said or done from outside, against the log. */
import type { Facts } from './past.js';
import type { DeedRecord, RepeatRecord, Report, ToldRecord, WonRecord } from './records.js';

/** What was told holds for ever, and a row that its store called durable is there. */
export function checkClaim(claim: ToldRecord | WonRecord, facts: Facts | undefined, report: Report): void {
  const { xid, seq, append } = claim;
  if (!facts) {
    report(
      'I3',
      xid,
      claim.t === 'won' ? `row ${seq} was durable, and there is no log` : `${said(claim)}, and there is no log`,
    );
    return;
  }
  if (seq !== undefined && append !== undefined && !facts.hasRow(seq, append))
    report('I3', xid, claim.t === 'won' ? `row ${seq} was durable as ${append}, is not` : `${said(claim)}, is not`);
  if (claim.t === 'won') return;
  const { by, decision, status, branch, forward } = claim;
  if (decision && facts.decision !== decision)
    report('I2', xid, `${by} was told ${decision}, and it is ${facts.decision}`);
  const wasFinal = status === 'committed' || status === 'rolled_back' || status === 'resolved';
  if (wasFinal && facts.ended !== status)
    report('I2', xid, `${by} was told ${status}, and it is ${facts.ended ?? 'not over'}`);
  if (branch === undefined) return;
  const is = facts.forwardOf(branch);
  if ((forward === 'done' || forward === 'refused') && is !== forward)
    report('I3', xid, `${by} was told that branch ${branch} is ${forward}, and it is ${is}`);
}

const said = ({ by, asked, seq }: ToldRecord): string =>
  `${by} was answered to '${asked}'${seq === undefined ? '' : ` upon row ${seq}`}`;

/** A request that was made before is answered like the first, or not at all. */
export function checkRepeat({ xid, asked, isSame, got }: RepeatRecord, report: Report): void {
  const allowed = [
    isSame ? 'answered' : 'xid_conflict',
    'nothing',
    'store_unavailable',
    'too_large',
    'internal',
    'stopping',
  ];
  if (!allowed.includes(got))
    report('I12', xid, `'${asked}' ${isSame ? 'again' : 'with another body'} was answered ${got}`);
}

/** What a person did is in the log, once. */
export function checkDeed(
  { xid, by, what, changed, branches }: DeedRecord,
  deeds: ReadonlyMap<string, number> | undefined,
  report: Report,
): void {
  const times = deeds?.get(by) ?? 0;
  if (changed && times !== branches)
    report('I15', xid, `'${what}' by ${by} is in the log ${times} times, not ${branches}`);
}
