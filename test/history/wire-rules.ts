/** I14, and what I5 and I7 ask of the sender: commands in flight, as their senders see them. */
import { type Kind, kindNames, phaseOf } from '../../sdk/protocol/kinds.js';
import type { Report, WireRecord } from './records.js';

export interface Limit {
  readonly atOnceMax?: number;
  readonly perSecondMax?: number;
}

export class WireRules {
  readonly #limits = new Map<string, Limit>();
  readonly #atOnce = new Map<string, number>();
  /** When the last commands were sent, as many as one second may have. */
  readonly #recent = new Map<string, number[]>();
  /** The forward command of a branch that is in flight, by sender. */
  readonly #forward = new Map<string, string>();
  readonly #report: Report;

  constructor(report: Report) {
    this.#report = report;
  }

  limit(participant: string, limit: Limit): void {
    this.#limits.set(participant, limit);
  }

  take(record: WireRecord): void {
    const { t, from, participant, xid, branch, op } = record;
    const place = `${from} ${xid} ${branch}`;
    const now = (this.#atOnce.get(participant) ?? 0) + (t === 'sent' ? 1 : -1);
    this.#atOnce.set(participant, now);
    if (t === 'answered') {
      if (this.#forward.get(place) === op) this.#forward.delete(place);
      return;
    }
    const { atOnceMax, perSecondMax } = this.#limits.get(participant) ?? {};
    if (atOnceMax !== undefined && now > atOnceMax)
      this.#report('I14', xid, `${participant} has ${now} commands at once, at most ${atOnceMax}`);
    if (perSecondMax !== undefined) this.#rate(record, perSecondMax);
    const before = this.#forward.get(place);
    if (before && before === op) this.#report('I5', xid, `${from} sends ${branch}.${op} twice at once`);
    if (before && isUndo(op)) this.#report('I7', xid, `${from} sends ${branch}.${op} while ${before} is in flight`);
    if (isForward(op)) this.#forward.set(place, op);
  }

  #rate({ participant, at, xid }: WireRecord, perSecondMax: number): void {
    const recent = this.#recent.get(participant) ?? [];
    this.#recent.set(participant, recent);
    recent.push(at);
    if (recent.length <= perSecondMax) return;
    const first = recent.shift() ?? at;
    if (at - first < 1000)
      this.#report(
        'I14',
        xid,
        `${participant} gets ${perSecondMax + 1} commands in ${at - first} ms, at most ${perSecondMax} a second`,
      );
  }
}

const isOf = (phase: 'forward' | 'rollback') => (op: string) =>
  kindNames.some((kind: Kind) => phaseOf(kind, op) === phase);
const isForward = isOf('forward');
const isUndo = isOf('rollback');
