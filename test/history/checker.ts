/**
 * Takes a history record by record and says in the end what is wrong with it: the invariants of the design, and anomalies
 * that the kinds of its branches do not declare. Time is linear in the records; of a transaction that is over only some
 * forty bytes are kept where the history is in the order in which things happened.
 */
import { statusOf } from '../../coordinator/decide/state.js';
import { isFinal } from '../../sdk/protocol/views.js';
import { Books, checkSum } from './books.js';
import { checkClaim, checkDeed, checkRepeat } from './claim-rules.js';
import { bitOf } from './declared.js';
import { checkEffects } from './effect-rules.js';
import { type Counted, Isolation } from './isolation.js';
import { foldInto } from './log-rules.js';
import { factsOf, Past } from './past.js';
import type {
  DeedRecord,
  EffectRecord,
  Head,
  HistoryRecord,
  Report,
  RowRecord,
  ToldRecord,
  Violation,
  WonRecord,
} from './records.js';
import { newTrail, storyOf, type Trail } from './trail.js';
import { WireRules } from './wire-rules.js';

export interface Verdict {
  readonly head: Head;
  readonly records: number;
  /** Transactions with a log. */
  readonly transactions: number;
  readonly effects: number;
  /** The first thousand. */
  readonly violations: readonly Violation[];
  readonly violationsTotal: number;
  readonly anomalies: readonly Counted[];
  /** How many transactions ended how. */
  readonly statuses: ReadonlyMap<string, number>;
  /** `phase event` of the machine that were reached. */
  readonly transitions: ReadonlySet<string>;
}

const violationsMax = 1000;

export class HistoryChecker {
  readonly #violations: Violation[] = [];
  #violationsTotal = 0;
  readonly #report: Report = (invariant, xid, what, steps) => {
    if (++this.#violationsTotal > violationsMax) return;
    const trail = xid === undefined ? undefined : this.#trails.get(xid);
    this.#violations.push({ invariant, xid, what, steps: steps ?? (trail ? storyOf(trail) : []) });
  };
  readonly #isolation = new Isolation(this.#report);
  readonly #books = new Books(this.#report, (anomaly, kind, xid, what) =>
    this.#isolation.count(anomaly, bitOf(kind), () => [`${xid}: ${what}`]),
  );
  readonly #wire = new WireRules(this.#report);
  readonly #trails = new Map<string, Trail>();
  readonly #past = new Past();
  readonly #transitions = new Set<string>();
  readonly #statuses = new Map<string, number>();
  readonly #phantoms = new Set<string>();
  readonly #deeds: DeedRecord[] = [];
  readonly #prepared: { readonly participant: string; readonly xid: string }[] = [];
  /** When a transaction was over, by the count of a `dumped` history. */
  readonly #ends: WonRecord[] = [];
  #head: Head | undefined;
  #records = 0;
  #effects = 0;
  #isSettled = false;

  /** Throws when the history does not begin with its head, or has a record that is none. */
  feed(record: HistoryRecord): void {
    this.#records++;
    if (record.t !== 'history' && !this.#head)
      throw new Error(`expected the head of a history first, got '${record.t}'`);
    switch (record.t) {
      case 'history':
        this.#begin(record);
        break;
      case 'row':
        this.#row(record);
        break;
      case 'effect':
        this.#effect(record);
        break;
      case 'won':
        if (record.ends && record.order !== undefined) this.#ends.push(record);
        this.#claim(record);
        break;
      case 'told':
        this.#claim(record);
        break;
      case 'repeat':
        checkRepeat(record, this.#report);
        break;
      case 'deed':
        this.#deeds.push(record);
        break;
      case 'phantom':
        this.#phantoms.add(record.append);
        break;
      case 'marker':
        this.#trailOf(record.xid).marker = record.decision;
        break;
      case 'cell':
        this.#books.cell(record.cell, record.when, record.amount);
        break;
      case 'list':
        this.#isolation.final(record.key, record.elements);
        break;
      case 'prepared':
        this.#prepared.push(record);
        break;
      case 'limit':
        this.#wire.limit(record.participant, record);
        break;
      case 'sent':
      case 'answered':
        this.#wire.take(record);
        break;
      case 'wrong':
        this.#report(record.invariant, record.xid, record.what);
        break;
      case 'settled':
        this.#isSettled = true;
        break;
      default:
        unknownRecord(record);
        break;
    }
  }

  /** What all of it comes to. The checker is of no use afterwards. */
  verdict(): Verdict {
    const head = this.#head;
    if (!head) throw new Error('expected a history, got nothing');
    this.#checkGhosts();
    this.#checkPrepared();
    for (const trail of this.#trails.values()) this.#conclude(trail);
    for (const deed of this.#deeds)
      checkDeed(deed, this.#trails.get(deed.xid)?.deeds ?? this.#past.deeds.get(deed.xid), this.#report);
    this.#books.end();
    const anomalies = this.#isolation.verdict();
    return {
      head,
      records: this.#records,
      transactions: [...this.#statuses.values()].reduce((sum, count) => sum + count, 0),
      effects: this.#effects,
      violations: this.#violations,
      violationsTotal: this.#violationsTotal,
      anomalies,
      statuses: this.#statuses,
      transitions: this.#transitions,
    };
  }

  #begin(head: Head): void {
    if (head.version !== 1) throw new Error(`expected a history of version 1, got ${head.version}`);
    if (this.#head) throw new Error('expected one head, got another');
    this.#head = head;
  }

  get #isInOrder(): boolean {
    return this.#head?.order === 'happened';
  }

  #trailOf(xid: string): Trail {
    return this.#trails.get(xid) ?? this.#newTrail(xid);
  }

  #newTrail(xid: string): Trail {
    const trail = newTrail(xid);
    this.#trails.set(xid, trail);
    return trail;
  }

  /** Its trail while it goes on; undefined when it is over. */
  #goingOn(xid: string): Trail | undefined {
    const trail = this.#trails.get(xid);
    return trail ?? (this.#past.has(xid) ? undefined : this.#newTrail(xid));
  }

  #row(record: RowRecord): void {
    const { xid } = record;
    const trail = this.#goingOn(xid);
    if (!trail) {
      this.#report('I11', xid, `row ${record.seq} comes after the end`);
      return;
    }
    const wasDecided = Boolean(trail.state?.decision);
    foldInto(trail, record, this.#transitions, this.#report);
    if (!wasDecided && trail.state?.decision) this.#decided(xid);
    // Rows of a `dumped` history come before the effects that they led to.
    if (trail.state?.ended && this.#isInOrder) this.#retire(trail);
  }

  #decided(xid: string): void {
    this.#books.decided(xid);
    this.#isolation.decided(xid);
  }

  #effect(record: EffectRecord): void {
    this.#effects++;
    const { xid, branch, op } = record;
    const trail = this.#goingOn(xid);
    if (!trail) {
      this.#report('I6', xid, `${branch}.${op} took effect after the end`);
      return;
    }
    trail.effects.push(record);
    const { state } = trail;
    const kind = state?.branches[branch - 1]?.kind;
    if (this.#isInOrder && !kind)
      this.#report('I3', xid, `${branch}.${op} took effect before the branch was in the log`);
    this.#books.effect(record, kind, Boolean(state?.decision));
    if (!record.micro || !kind) return;
    for (const [what, participant, sum] of record.micro) if (what === 'total') this.#books.total(xid, participant, sum);
    this.#isolation.effect(record, kind, Boolean(state?.decision));
  }

  /** Held against the end of its transaction, which may be behind us. */
  #claim(claim: ToldRecord | WonRecord): void {
    const trail = this.#goingOn(claim.xid);
    if (trail) trail.claims.push(claim);
    else this.#hold(claim, this.#past.facts(claim.xid));
  }

  #hold(claim: ToldRecord | WonRecord, facts: Parameters<typeof checkClaim>[1]): void {
    const isPhantom = claim.t === 'told' && claim.changed === false && this.#phantoms.has(claim.append ?? '');
    if (!isPhantom) checkClaim(claim, facts, this.#report);
  }

  #retire(trail: Trail): void {
    this.#conclude(trail);
    this.#past.add(trail);
    this.#trails.delete(trail.xid);
  }

  #conclude(trail: Trail): void {
    const { xid, state, effects, claims } = trail;
    const { clocksJumped = false, conserved = false } = this.#head ?? {};
    const hasLog = trail.rows.length > 0;
    for (const claim of claims) this.#hold(claim, hasLog ? factsOf(trail) : undefined);
    if (!hasLog && effects.length > 0) this.#report('I3', xid, 'there are effects, and no log');
    if (!state || trail.isBroken) return;
    const status = statusOf(state);
    this.#statuses.set(status, (this.#statuses.get(status) ?? 0) + 1);
    checkEffects(trail, clocksJumped, this.#report);
    checkSum(state, effects, conserved, this.#report);
    if (this.#isSettled && !isFinal(status) && !state.parked)
      this.#report('I10', xid, `still ${status}, and everything has come to rest`);
    if (!state.ended) return;
    this.#books.over(xid);
    if (state.ended !== 'resolved') this.#isolation.over(xid, state.ended === 'committed' ? 'committed' : 'aborted');
  }

  /** I6, where a history is `dumped`: by the count that its records bring, or by the times. */
  #checkGhosts(): void {
    for (const { xid, order = 0 } of this.#ends) {
      const trail = this.#trails.get(xid);
      if (!trail || (trail.state?.byHand && this.#head?.clocksJumped)) continue;
      for (const effect of trail.effects)
        if ((effect.order ?? 0) > order)
          this.#report('I6', xid, `${effect.branch}.${effect.op} took effect after the end`);
    }
    const driftMs = this.#head?.driftMs;
    if (driftMs === undefined) return;
    for (const { xid, state, effects } of this.#trails.values()) {
      const end = state?.ended ? (state.finishedAt ?? Number.POSITIVE_INFINITY) : Number.POSITIVE_INFINITY;
      for (const { branch, op, at = 0 } of effects)
        if (at > end + driftMs) this.#report('I6', xid, `${branch}.${op} took effect ${at - end} ms after the end`);
    }
  }

  /** I13. */
  #checkPrepared(): void {
    for (const { participant, xid } of this.#prepared) {
      const state = this.#trails.get(xid)?.state;
      if (!state || state.ended)
        this.#report(
          'I13',
          xid,
          `${participant} holds a prepared branch of a transaction that is ${state ? state.ended : 'over or unknown'}`,
        );
    }
  }
}

function unknownRecord(record: never): never {
  throw new Error(`expected a record of a history, got ${JSON.stringify(record)}`);
}
