/** Runs the mind over a log in memory: every row that it decides is folded as the log would, and checked on the way. */
import assert from 'node:assert/strict';
import { type Decided, decide } from '../../coordinator/decide/decide.js';
import { applyEvent, foldRow, type Row } from '../../coordinator/decide/fold.js';
import type { Input, InputOf, Moment, Verdict } from '../../coordinator/decide/inputs.js';
import { type Outstanding, outstanding } from '../../coordinator/decide/outstanding.js';
import { type Branch, phaseOfState, type State, statusOf } from '../../coordinator/decide/state.js';
import type { AppendId, CoordinatorId, Xid } from '../../sdk/protocol/ids.js';
import type { Json } from '../../sdk/protocol/json.js';
import type { Outcome } from '../../sdk/protocol/outcomes.js';
import { whyIllegal } from './legal-event.js';

export const xid = 'tx-1' as Xid;
export const coordinator = (name: string): CoordinatorId => name as CoordinatorId;

export class Machine {
  now = 1_000_000;
  draw = 0.5;
  me = coordinator('a');
  state: State | undefined;
  readonly rows: Row[] = [];
  /** Costs more than what it checks; off where speed is measured. */
  readonly #checked: boolean;

  constructor({ checked = true } = {}) {
    this.#checked = checked;
  }

  /** Decides one input and appends what it gave. */
  put(input: Input): Verdict {
    const [verdict] = this.putTogether([input]);
    return verdict!;
  }

  /** Decides several inputs in one row, as the engine does with what arrives while an append is in flight. */
  putTogether(inputs: readonly Input[]): Verdict[] {
    const moment: Moment = { now: this.now, draw: this.draw, me: this.me };
    const seq = (this.state?.seq ?? 0) + 1;
    const events: Row['events'][number][] = [];
    const verdicts: Verdict[] = [];
    let state = this.state;
    for (const input of inputs) {
      const decided = this.#checked ? decideTwice(state, input, moment, seq) : decide(xid, state, input, moment, seq);
      if (decided.verdict.kind === 'append') events.push(...decided.verdict.events);
      verdicts.push(decided.verdict);
      state = decided.state;
    }
    if (events.length > 0) this.#append(events, moment, state!);
    return verdicts;
  }

  #append(events: Row['events'], moment: Moment, decided: State): void {
    const seq = (this.state?.seq ?? 0) + 1;
    const append = `append-${seq}` as AppendId;
    const row: Row = { xid, seq, append, appender: moment.me, at: moment.now, events };
    if (this.#checked) this.#checkEvents(row);
    const folded = foldRow(this.state, row);
    if (this.#checked) {
      assert.deepEqual(
        folded,
        { ...decided, seq, append, owner: row.appender, at: row.at },
        'decided and folded differ',
      );
    }
    this.state = folded;
    this.rows.push(row);
  }

  /** I11: each event is legal for the state before it. */
  #checkEvents(row: Row): void {
    let state = this.state;
    for (const event of row.events) {
      const why = whyIllegal(state, event, row);
      assert.equal(why, undefined, `illegal '${event.type}': ${why}`);
      state = applyEvent(state, event, row);
    }
  }

  /** The state of a log that is read back from its text. */
  replayed(): State | undefined {
    const rows = JSON.parse(JSON.stringify(this.rows)) as Row[];
    return rows.reduce<State | undefined>((state, row) => foldRow(state, row), undefined);
  }

  get current(): State {
    return this.state!;
  }

  get status(): string {
    return statusOf(this.current);
  }

  get phase(): string {
    return phaseOfState(this.state);
  }

  branch(number: number): Branch {
    return this.current.branches[number - 1]!;
  }

  /** Where each branch stands. */
  stages(): string[] {
    return this.current.branches.map(({ stage }) => stage.at);
  }

  /** What is outstanding, due or not: `branch.op.attempt`, with `!` when only its outcome is waited for. */
  commands(): string[] {
    return outstanding(this.current).map(
      ({ branch, work, awaited }) => `${branch}.${work.op}.${work.attempt}${awaited ? '!' : ''}`,
    );
  }

  outstandingOf(branch: number): Outstanding {
    const found = outstanding(this.current).find((one) => one.branch === branch);
    assert.ok(found, `nothing is outstanding of branch ${branch}`);
    return found;
  }

  /** Types of all events so far. */
  story(): string[] {
    return this.rows.flatMap((row) => row.events.map(({ type }) => type));
  }

  /** An outcome of the command that is outstanding. */
  answer(branch: number, outcome: Outcome): Verdict {
    const { op, attempt } = this.outstandingOf(branch).work;
    return this.put({ type: 'outcome', branch, op, attempt, outcome });
  }

  done = (branch: number, output: Json = null): Verdict => this.answer(branch, { kind: 'done', output });
  refused = (branch: number, reason = 'no'): Verdict => this.answer(branch, { kind: 'refused', reason });
  unknown = (branch: number, error = 'timeout'): Verdict => this.answer(branch, { kind: 'unknown', error });
  pending = (branch: number, retryAfterMs = 100): Verdict => this.answer(branch, { kind: 'pending', retryAfterMs });
  rollback = (reason = 'asked'): Verdict => this.put({ type: 'rollback', reason });
  commit = (): Verdict => this.put({ type: 'commit' });
  retry = (): Verdict => this.put({ type: 'retry', by: 'ann' });

  check(answer: InputOf<'check_answer'>['answer']): Verdict {
    return this.put({ type: 'check_answer', attempt: this.outstandingOf(0).work.attempt, answer });
  }

  resolve(branch: number, as: 'done' | 'skipped', output: Json = null): Verdict {
    return this.put({ type: 'resolve', by: 'ann', branches: [{ branch, as, output, reason: 'looked at it' }] });
  }

  /** Lets the time pass until the command of a branch is due. */
  untilDue(branch: number): void {
    this.now = Math.max(this.now, this.outstandingOf(branch).work.dueAt);
  }

  /** Every attempt of what is asked of a branch (0: the check) fails, until its patience is used up. */
  useUp(branch: number): void {
    for (let asked = true; asked; asked = this.isAsked(branch)) {
      this.untilDue(branch);
      if (branch === 0) this.check('unknown');
      else this.unknown(branch);
    }
  }

  isAsked(branch: number): boolean {
    return outstanding(this.current).some((one) => one.branch === branch);
  }
}

/** What a verdict says, in a word: its kind, or the code of the refusal. */
export const inAWord = (verdict: Verdict): string => (verdict.kind === 'refuse' ? verdict.code : verdict.kind);

/** The same inputs give the same verdict, and the state they were given stays as it was. */
function decideTwice(state: State | undefined, input: Input, moment: Moment, seq: number): Decided {
  const before = JSON.stringify(state);
  const decided = decide(xid, state, input, moment, seq);
  assert.deepEqual(decide(xid, state, input, moment, seq), decided, 'the same inputs gave two verdicts');
  assert.equal(JSON.stringify(state), before, 'the state was changed in place');
  if (decided.verdict.kind !== 'append') assert.equal(decided.state, state);
  return decided;
}
