/** A transaction among participants, coordinators and people, moved one small step at a time by what a test draws. */
import assert from 'node:assert/strict';
import type { Input, InputOf } from '../../coordinator/decide/inputs.js';
import { type Outstanding, outstanding } from '../../coordinator/decide/outstanding.js';
import type { CoordinatorId } from '../../sdk/protocol/ids.js';
import { phaseOf } from '../../sdk/protocol/kinds.js';
import type { Outcome } from '../../sdk/protocol/outcomes.js';
import { coordinator, Machine } from './machine.js';
import { Participants, type Will } from './participants.js';
import { spec } from './requests.js';
import { checkRow } from './rules-of-the-house.js';

/** A command on its way, until it is answered or expires. */
interface Flight {
  readonly branch: number;
  readonly op: Outstanding['work']['op'];
  readonly attempt: number;
  readonly by: CoordinatorId;
  readonly expiresAt: number;
  answer?: Outcome;
  /** Nobody waits for its answer any more; it may still arrive, and so may the answer. */
  ghost: boolean;
}

/** One draw: what to do, to which of several, how it goes, and by whom. */
export interface Move {
  readonly act: number;
  readonly pick: number;
  readonly will: Will;
  readonly second: boolean;
}

export class World {
  readonly machine = new Machine();
  readonly participants = new Participants();
  /** How the initiator's own work ended: what its check answers. */
  marker: 'commit' | 'rollback' | undefined;
  /** Branches that a person set right by hand to what the decision does not say. */
  readonly excused = new Set<number>();
  #flights: Flight[] = [];
  #answered: Flight[] = [];
  #coordinators = [coordinator('a'), coordinator('b')];
  #born = 0;

  put(input: Input, me = this.machine.me) {
    const { machine } = this;
    const before = machine.state;
    machine.me = me;
    const verdict = machine.put(input);
    if (machine.state !== before) {
      checkRow(machine, before);
      this.#checkInFlight();
    }
    assert.deepEqual(this.participants.violations, []);
    return verdict;
  }

  /** No rollback op may go out while a forward command of its branch is on its way from a live coordinator. */
  #checkInFlight(): void {
    const { machine } = this;
    for (const { branch, work } of outstanding(machine.current)) {
      const kind = machine.current.branches[branch - 1]?.kind;
      if (!kind || phaseOf(kind, work.op) !== 'rollback' || work.dueAt > machine.now) continue;
      const flight = this.#flights.find(
        (one) =>
          one.branch === branch && !one.ghost && one.expiresAt > machine.now && phaseOf(kind, one.op) === 'forward',
      );
      assert.equal(flight, undefined, `I7 ${branch}.${work.op} while ${flight?.op} ${flight?.attempt} is in flight`);
    }
  }

  /** Hands on one command that is due and in nobody's hands. */
  send(pick: number): void {
    const { now } = this.machine;
    const ready = outstanding(this.machine.current).filter(
      (one) => one.branch > 0 && one.work.dueAt <= now && !one.awaited && this.#lives(one) && !this.#flightOf(one),
    );
    const one = choose(ready, pick);
    if (!one) return;
    const { op, attempt, by } = one.work;
    const { timeoutMs } = this.machine.branch(one.branch);
    this.#flights.push({ branch: one.branch, op, attempt, by, expiresAt: now + timeoutMs, ghost: false });
  }

  #lives = ({ work }: Outstanding): boolean => this.#coordinators.includes(work.by);

  #flightOf = ({ branch, work }: Outstanding): Flight | undefined =>
    this.#flights.find(
      (one) => one.branch === branch && one.op === work.op && one.attempt === work.attempt && !one.ghost,
    );

  /** A command reaches its participant, perhaps not for the first time. */
  arrive(pick: number, will: Will): void {
    const flight = choose(this.#flights, pick);
    if (flight) flight.answer = this.participants.take(this.machine.branch(flight.branch), flight.op, will);
  }

  /** The answer of a command comes back; the same answer may come once more later. */
  answer(pick: number): void {
    const flight = choose(
      this.#flights.filter((one) => one.answer && !one.ghost),
      pick,
    );
    if (!flight?.answer) return;
    flight.ghost = true;
    this.#answered.push(flight);
    this.#report(flight, flight.attempt, flight.answer);
  }

  /** An answer that came before comes again, or by another way. */
  repeat(pick: number, late: boolean): void {
    const flight = choose([...this.#answered, ...this.#flights.filter((one) => one.answer)], pick);
    if (!flight?.answer) return;
    flight.ghost ||= !late;
    this.#report(flight, late ? 'late' : flight.attempt, flight.answer);
  }

  lose(pick: number): void {
    const flight = choose(
      this.#flights.filter((one) => !one.ghost),
      pick,
    );
    if (!flight) return;
    flight.ghost = true;
    this.#report(flight, flight.attempt, { kind: 'unknown', error: 'timeout' });
  }

  unstorable(pick: number): void {
    const flight = choose(
      this.#flights.filter((one) => one.answer && !one.ghost),
      pick,
    );
    if (!flight) return;
    flight.ghost = true;
    const { branch, op } = flight;
    this.put({ type: 'unstorable', branch, op, error: 'too large' }, this.#sender(flight));
  }

  #report(flight: Flight, attempt: InputOf<'outcome'>['attempt'], outcome: Outcome): void {
    const { branch, op } = flight;
    this.put({ type: 'outcome', branch, op, attempt, outcome }, this.#sender(flight));
  }

  #sender = ({ by }: Flight): CoordinatorId => (this.#coordinators.includes(by) ? by : this.#coordinators[0]!);

  any = (second: boolean): CoordinatorId => this.#coordinators[second ? 1 : 0]!;

  /** The owner dies; what it sent may still arrive. Another takes over. */
  adopt(): void {
    const from = this.machine.current.owner;
    const next = coordinator(`c${++this.#born}`);
    this.#coordinators = [...this.#coordinators.filter((one) => one !== from), next].slice(-2);
    for (const flight of this.#flights) if (!this.#coordinators.includes(flight.by)) flight.ghost = true;
    this.put({ type: 'adopt', from }, next);
  }

  /** The check is asked, and answers the truth or nothing. */
  check(will: Will, second: boolean): void {
    const { check } = this.machine.current;
    if (check?.at !== 'asked' || check.work.dueAt > this.machine.now) return;
    if (will === 'done') this.marker ??= second ? 'commit' : 'rollback';
    const known = will === 'done' || will === 'lost' ? this.marker : undefined;
    const answer = known ?? (will === 'unknown' ? { error: '503' } : 'unknown');
    this.put({ type: 'check_answer', attempt: check.work.attempt, answer }, check.work.by);
  }

  /** The initiator commits, which it does not do once its check said that its own work is rolled back. */
  commit(second: boolean): void {
    const { onTimeout } = this.machine.current;
    if (onTimeout === 'ask' && this.marker === 'rollback') return;
    if (onTimeout === 'ask') this.marker = 'commit';
    this.put({ type: 'commit' }, this.any(second));
  }

  addBranch(pick: number, second: boolean): void {
    const number = this.machine.current.branches.length + 1;
    if (number > 6) return;
    const kind = choose(['saga', 'tcc', 'xa', 'message', 'at'] as const, pick)!;
    this.put(
      { type: 'add_branch', spec: spec({ id: `b${number}`, kind, retry: { ...retry, attemptsMax: 1 + (pick % 3) } }) },
      this.any(second),
    );
  }

  /** A person looks at the ledger and says of every parked branch what is true of it, or that it stays as it is. */
  resolve(second: boolean): void {
    const branches: InputOf<'resolve'>['branches'][number][] = [];
    for (const { number, kind, stage } of this.machine.current.branches) {
      if (stage.at !== 'parked' || stage.expiresAt > this.machine.now) continue;
      const fence = this.participants.fence(number);
      const phase = phaseOf(kind, stage.op);
      const settle = phase === 'forward' ? fence.first === 'done' : second;
      if (phase === 'forward') fence.first ??= 'suppressed';
      else if (settle) Object.assign(fence, { second: phase, effect: phase === 'commit' });
      if (!settle) this.excused.add(number);
      branches.push({ branch: number, as: settle ? 'done' : 'skipped', output: null, reason: 'looked' });
    }
    if (branches.length > 0) this.put({ type: 'resolve', by: 'ann', branches }, this.any(second));
  }

  /** Time passes; whoever waits for what expired gives up on it. */
  tick(ms: number): void {
    const { machine } = this;
    machine.now += ms;
    for (const flight of this.#flights) {
      if (flight.expiresAt > machine.now || flight.ghost) continue;
      flight.ghost = true;
      this.#report(flight, flight.attempt, { kind: 'unknown', error: 'expired' });
    }
    this.#flights = this.#flights.filter((one) => one.expiresAt > machine.now);
    for (const one of outstanding(machine.current)) this.#giveUpOn(one);
  }

  #giveUpOn(one: Outstanding): void {
    const { branch, work, awaited, expiresAt } = one;
    if (branch === 0 || this.#flightOf(one)) return;
    const orphaned = !this.#lives(one) && expiresAt <= this.machine.now;
    const unsent = awaited && this.#lives(one);
    if (!orphaned && !unsent) return;
    const outcome = { kind: 'unknown', error: 'it was not sent any more' } as const;
    this.put({ type: 'outcome', branch, op: work.op, attempt: work.attempt, outcome }, this.any(false));
  }

  /** Every command that is still on its way arrives after all. */
  everythingArrives(): void {
    for (const { branch, op } of this.#flights) this.participants.take(this.machine.branch(branch), op, 'done');
  }

  /** Faults stop: all is sent and answered, and people ask again or set right what still parks. Whether it ended within the bound. */
  heal(bound: number): boolean {
    const { machine } = this;
    let retried = false;
    for (let i = 0; i < bound && !machine.current.ended; i++) {
      const { phase } = machine;
      if (phase === 'open') this.commit(false);
      if (phase === 'open' && machine.phase === 'open') this.put({ type: 'rollback', reason: 'enough' });
      if (phase.startsWith('parked') && !retried) this.put({ type: 'retry', by: 'ann' });
      else if (phase.startsWith('parked')) this.resolve(true);
      retried ||= phase.startsWith('parked');
      this.#coordinators = [
        ...new Set([...this.#coordinators, ...outstanding(machine.current).map(({ work }) => work.by)]),
      ];
      this.send(0);
      this.arrive(0, 'done');
      this.answer(0);
      this.check('done', i % 2 === 0);
      this.tick(1000);
    }
    return machine.current.ended !== null;
  }
}

export const retry = { attemptsMax: 2, initialMs: 50, maxMs: 200, factor: 2 };

export const choose = <T>(list: readonly T[], pick: number): T | undefined => list[pick % Math.max(1, list.length)];
