/**
 * The loop: load, decide, append, hand on. Nothing else.
 * 1. Nothing is acted on, and nobody answered, before the append that says so is durable.
 * 2. Per transaction one append is in flight; what comes in meanwhile is decided together in the next.
 * 3. An append that lost its race is decided again upon what is there.
 * 4. A command is handed on once by the coordinator that made it due; another's is waited for until it expired.
 * 5. A "no" is only given upon a state that was read for it, or that the append confirmed.
 * 6. Of a branch one command is in hand at a time, until what came of it is in the log or it is given up on. One that
 *    waited long to be sent is looked up once more before it goes.
 * 7. What could not be seen through (a lost answer, an outage, no lease) is doubted, and looked at again by the sweep.
 */
import { planted } from '#faults';
import type { Command } from '../sdk/protocol/commands.js';
import { ConcordatError } from '../sdk/protocol/errors.js';
import type { CoordinatorId, Xid } from '../sdk/protocol/ids.js';
import { asOf } from './decide/fold.js';
import type { Input, Moment, Verdict } from './decide/inputs.js';
import { commandFor } from './decide/outstanding.js';
import type { State } from './decide/state.js';
import type { Reply } from './dispatch/transport.js';
import { stillToSend } from './engine/agenda.js';
import { Aside } from './engine/aside.js';
import { Attention } from './engine/attention.js';
import { type Decisions, decideAll, foldLog } from './engine/deciding.js';
import { Doubts } from './engine/doubts.js';
import { Entries } from './engine/entries.js';
import type { Asker, Entry, Handled, Waiting } from './engine/entry.js';
import { countFrom, type InHand, isGivenUp, withinCall } from './engine/hands.js';
import type { EngineParts } from './engine/parts.js';
import { inputOf, insteadOf, noOutcome } from './engine/replies.js';
import { appendOf, reachAfter, reachBefore, rowFrom, summaryOf } from './engine/rows.js';
import { isOfOneInput, isPurged, mayPass, notTaken, refusalOf, shownFor } from './engine/troubles.js';
import { Workload } from './engine/workload.js';
import { type LogRow, StoreError } from './store/store.js';

export type { Asker, Handled } from './engine/entry.js';
export type { EngineParts } from './engine/parts.js';

const reportAgainMs = { first: 50, most: 5000 };

export class Engine {
  readonly load = new Workload();
  readonly #parts: EngineParts;
  readonly #entries = new Entries();
  readonly #doubts = new Doubts();
  readonly #attention: Attention;
  readonly #aside = new Aside();
  /** Logs that cannot be read: told once, and left alone until a restart. */
  readonly #corrupt = new Set<Xid>();
  #stopping = false;

  constructor(parts: EngineParts) {
    this.#parts = parts;
    this.#attention = new Attention({
      ...parts,
      push: (entry, input, answers) => this.#push(entry, input, answers),
      doubt: (entry) => this.#doubt(entry),
      wake: (xid) => void this.wake(xid),
    });
  }

  /** Puts an input through. Rejects with ConcordatError: the refusal, `store_unavailable`, or `stopping`. */
  handle(xid: Xid, input: Input, asker?: Asker): Promise<Handled> {
    if (this.#stopping)
      return Promise.reject(
        new ConcordatError('stopping', 'this coordinator is stopping; ask another, or again later'),
      );
    return new Promise((resolve, reject) =>
      this.#put(this.#entries.remembered(xid), { input, asker, answers: undefined, resolve, reject }),
    );
  }

  /** Takes what came back for a command. Never rejects: an outcome is tried until the log has it. */
  report(command: Command, reply: Reply): Promise<void> {
    const { xid, branch, op } = command.body;
    const { attempt } = command;
    const inHand = this.#entries.get(xid)?.hands.find(command);
    if (inHand) inHand.overdueAt = Number.POSITIVE_INFINITY;
    const input = inputOf(command, reply);
    return new Promise((taken) => {
      const put = (againMs: number): void => {
        const reject = (error: Error): void => {
          this.#parts.log.error({ xid, branch, op, attempt, error: error.message }, 'outcome not taken');
          if (mayPass(error) && !this.#stopping) {
            this.#parts.clock.after(againMs, () => put(Math.min(againMs * 2, reportAgainMs.most)));
            return;
          }
          this.#drop(xid, inHand);
          taken();
        };
        this.#put(this.#entries.of(xid), { input, answers: inHand, resolve: () => taken(), reject });
      };
      put(reportAgainMs.first);
    });
  }

  /**
   * What to send for a command that was handed on; its time counts from here. Nothing under a lease that has lapsed
   * since. One that waited long is sent with its full time, if the log still asks it of this process.
   */
  toSend(command: Command): Command | undefined | Promise<Command | undefined> {
    const { clock, leaseTerm } = this.#parts;
    const entry = this.#entries.get(command.body.xid);
    const inHand = entry?.hands.find(command);
    const isWithdrawn = !inHand || (isGivenUp(inHand) && !planted('send-what-was-given-up'));
    if (!entry || isWithdrawn || inHand.term !== leaseTerm()) return undefined;
    countFrom(inHand, clock.monotonic());
    const isFresh = command.expiresAt - clock.now() >= inHand.callMs / 2;
    return isFresh ? withinCall(command, inHand, clock.now()) : this.#lookUp(command, entry, inHand);
  }

  async #lookUp(command: Command, entry: Entry, inHand: InHand): Promise<Command | undefined> {
    const { clock, leaseTerm, me } = this.#parts;
    const read = await this.#load(entry.xid).catch(() => undefined);
    const state = read && entry.state && entry.state.seq > read.seq ? entry.state : read;
    const one = state && stillToSend(state, command, me);
    const isInHand = entry.hands.find(command) === inHand && !isGivenUp(inHand) && inHand.term === leaseTerm();
    if (!state || !one || !isInHand) return undefined;
    countFrom(inHand, clock.monotonic());
    const fresh = commandFor(state, one, clock.now());
    return fresh && withinCall(fresh, inHand, clock.now());
  }

  /** Takes back a command that was not sent. No attempt: nothing is written. */
  takeBack(command: Command): void {
    const { xid } = command.body;
    const inHand = this.#entries.get(xid)?.hands.find(command);
    // What is being written of it stays in hand until the log has it.
    if (inHand && !isGivenUp(inHand)) this.#drop(xid, inHand);
  }

  /** Lets go of a command that was not sent, as it waits elsewhere: `callBack` asks for it again. */
  setAside(command: Command): void {
    const entry = this.#entries.get(command.body.xid);
    const inHand = entry?.hands.find(command);
    if (!entry || !inHand || isGivenUp(inHand) || !entry.hands.drop(inHand)) return;
    this.#aside.add(entry.xid, entry.lookAt);
    this.#entries.letGo(entry);
  }

  /** Hands on again what a transaction asks for that stood aside. */
  callBack(xid: Xid): Promise<void> {
    this.#aside.delete(xid);
    return this.wake(xid);
  }

  /** The state as the log has it now; undefined when there is none. Rejects with `store_unavailable`. */
  read(xid: Xid): Promise<State | undefined> {
    return this.#load(xid).catch((error) => this.#notRead(error));
  }

  /** The rows of its log in order, all or those after row `after`; empty when there is none. */
  async log(xid: Xid, after = 0): Promise<readonly LogRow[]> {
    return this.#parts.store.load(xid, after).catch((error) => this.#notRead(error));
  }

  /** Waits until `when` holds, at most `timeoutMs`; resolves with the newest state either way. */
  async until(xid: Xid, when: (state: State) => boolean, timeoutMs: number): Promise<State> {
    const entry = this.#entries.pin(xid);
    try {
      const state = entry.state ?? (await this.read(xid));
      if (!state) throw new ConcordatError('transaction_not_found', `there is no transaction ${xid}`);
      if (when(state) || timeoutMs <= 0 || this.#stopping) return state;
      // While it was read, it may have moved on here.
      const newest = entry.state && entry.state.seq > state.seq ? entry.state : state;
      if (when(newest)) return newest;
      return await entry.watchers.wait(when, newest, timeoutMs, this.#parts.clock, () => void this.#refresh(entry));
    } finally {
      this.#entries.unpin(entry);
    }
  }

  /** Looks after a transaction that may be due: its deadline, a later attempt, a command that another sent. */
  async wake(xid: Xid): Promise<void> {
    if (this.#stopping || this.#corrupt.has(xid) || this.#aside.isUntouched(xid, this.#parts.clock.now())) return;
    const entry = this.#entries.pin(xid);
    try {
      // Before anything is sent upon it, it is read: another may have moved it while it waited.
      if (!entry.busy && !(entry.state && this.#parts.clock.now() < entry.lookAt)) await this.#look(entry);
      if (!entry.busy) this.#attend(entry);
    } catch (error) {
      if (isPurged(error)) return;
      this.#doubts.add(xid);
      this.#parts.log.warn({ xid, error: (error as Error).message }, 'could not look after a transaction');
    } finally {
      this.#entries.unpin(entry);
    }
  }

  /** Takes over a transaction from a coordinator that died. */
  async adopt(xid: Xid, from: CoordinatorId): Promise<void> {
    if (this.#corrupt.has(xid)) return;
    try {
      await this.handle(xid, { type: 'adopt', from });
    } catch (error) {
      this.#parts.log.warn({ xid, from, error: (error as Error).message }, 'could not adopt');
    }
  }

  /** Gives up on commands of which nothing came back: the queue lost them, or whoever sent them. */
  review(): void {
    const monotonic = this.#parts.clock.monotonic();
    for (const entry of this.#entries) {
      for (const inHand of entry.hands.overdue(monotonic)) {
        const isHeld = this.#parts.isHeld(entry.xid, inHand.branch);
        inHand.overdueAt = isHeld ? monotonic + inHand.callMs : Number.POSITIVE_INFINITY;
        if (isHeld) continue;
        this.#push(entry, noOutcome(inHand, 'nothing came back by the time it expired'), inHand);
      }
    }
  }

  /** What the sweep must wake, as it was not seen through. */
  takeDoubts(): readonly Xid[] | 'all' {
    return this.#doubts.take();
  }

  /** Transactions held in memory. */
  size(): number {
    return this.#entries.size;
  }

  /** Transactions that stay due however often they are looked at: in memory, or with a log that cannot be read. */
  stayDue(): number {
    return this.#entries.size + this.#corrupt.size + this.#aside.size;
  }

  /** Hands on nothing more; callers that wait get the state by now. */
  stop(): void {
    this.#stopping = true;
    for (const entry of this.#entries) {
      entry.stopTimer();
      entry.watchers.release();
      this.#entries.letGo(entry);
    }
  }

  #put(entry: Entry, waiting: Waiting): void {
    entry.inputs.push(waiting);
    if (!entry.busy) void this.#run(entry);
  }

  async #run(entry: Entry): Promise<void> {
    entry.busy = true;
    while (entry.inputs.length > 0) {
      const began = this.load.begin(this.#parts.clock.monotonic());
      await this.#turn(entry);
      this.load.end(began, this.#parts.clock.monotonic());
    }
    entry.busy = false;
    this.#entries.letGo(entry);
  }

  /** One row: decides the inputs that are there, appends, and acts on it. */
  async #turn(entry: Entry): Promise<void> {
    const batch = entry.take();
    try {
      const opens = entry.mayBeNew && batch[0]?.input.type === 'open';
      const read = !entry.state && !opens;
      if (read) entry.know(await this.#load(entry.xid));
      const moment = this.#moment();
      const decided = decideAll(entry.xid, entry.state, batch, moment);
      const next = this.#nextRow(entry, decided, moment);
      if (next) reachBefore(decided.events);
      const fate = next && (await this.#parts.store.append(next.append));
      if (next && (fate === 'won' || planted('act-upon-what-lost'))) {
        reachAfter(decided.events);
        entry.know(next.state, next.summary);
        this.#answer(entry, batch, decided.verdicts);
      } else if (read && !next) {
        this.#answer(entry, batch, decided.verdicts);
      } else {
        // Another has its place, or what was in memory may be behind another coordinator: a "no" needs a fresh look.
        entry.forget();
        entry.putBack(batch);
      }
    } catch (error) {
      this.#failed(entry, batch, error);
    }
  }

  /** The row to append, and what is known once it is durable; undefined when nothing was decided. */
  #nextRow(entry: Entry, { events, state: next, audit }: Decisions, moment: Moment) {
    if (events.length === 0 || !next) return undefined;
    const { state } = entry;
    const row = rowFrom(entry.xid, state, events, moment, this.#parts.chance.id());
    const after = asOf(next, row);
    const summary = summaryOf(after);
    const before = entry.summary ?? (state && summaryOf(state));
    return { state: after, summary, append: appendOf(row, state?.append ?? null, before, summary, audit) };
  }

  /** Tells whoever asked, then acts: in this order nobody learns of an effect before its cause is durable. */
  #answer(entry: Entry, batch: readonly Waiting[], verdicts: readonly Verdict[]): void {
    const { state } = entry;
    for (const [index, { asker, answers, resolve, reject }] of batch.entries()) {
      if (answers) entry.hands.drop(answers);
      const verdict = verdicts[index];
      if (!verdict || verdict.kind === 'refuse' || !state)
        reject(refusalOf(entry.xid, verdict, this.#parts.log, asker?.requestId));
      else resolve({ state, changed: verdict.kind === 'append' });
    }
    if (!state) return;
    entry.watchers.tell(state);
    this.#attend(entry);
  }

  #attend(entry: Entry): void {
    if (!this.#stopping) this.#attention.attend(entry);
  }

  /** An input of the engine's own. Nobody waits for it, so a refusal is of no interest. */
  #push(entry: Entry, input: Input, answers?: InHand): void {
    const reject = () => this.#drop(entry.xid, answers);
    this.#put(entry, { input, answers, resolve: () => undefined, reject });
  }

  /** Lets a command out of hand of which nothing is in the log; the sweep looks after its transaction. */
  #drop(xid: Xid, inHand: InHand | undefined): void {
    const entry = this.#entries.get(xid);
    if (!entry || !inHand || !entry.hands.drop(inHand)) return;
    this.#doubt(entry);
    this.#entries.letGo(entry);
  }

  #doubt(entry: Entry): void {
    entry.forget();
    this.#aside.delete(entry.xid);
    if (!planted('no-doubts')) this.#doubts.add(entry.xid);
  }

  #failed(entry: Entry, batch: readonly Waiting[], error: unknown): void {
    if (isPurged(error)) entry.forget();
    else this.#doubt(entry);
    if (isOfOneInput(error) && this.#setApart(entry, batch, error as Error)) return;
    const shown = notTaken(entry.xid, batch, error, this.#parts);
    for (const { reject } of batch) reject(shown);
  }

  /** Finds the one input that cannot be decided or stored, and lets the others through. False when it is that one. */
  #setApart(entry: Entry, batch: readonly Waiting[], error: Error): boolean {
    const [only] = batch;
    if (!only) return false;
    if (batch.length > 1) {
      entry.putBack(batch, 'one by one');
      return true;
    }
    const input = insteadOf(only.input, error.message);
    if (!input) return false;
    this.#parts.log.error({ xid: entry.xid, error: error.message }, 'an outcome cannot be stored');
    entry.putBack([{ ...only, input }]);
    return true;
  }

  #notRead(error: unknown): never {
    if (isPurged(error)) throw new ConcordatError('transaction_not_found', (error as Error).message);
    throw shownFor(error, this.#parts);
  }

  async #load(xid: Xid): Promise<State | undefined> {
    try {
      return foldLog(await this.#parts.store.load(xid), this.#entries.get(xid)?.last);
    } catch (error) {
      if (error instanceof StoreError && error.kind === 'corrupt') this.#setAside(xid, error);
      throw error;
    }
  }

  /** Nothing can be decided upon a log that cannot be read; the others go on. */
  #setAside(xid: Xid, error: StoreError): void {
    if (!this.#corrupt.has(xid))
      this.#parts.log.error({ xid, error: error.message }, 'a log is corrupt: it is left alone');
    this.#corrupt.add(xid);
  }

  /** Another coordinator may have moved it: nothing of it is in hand here. */
  async #refresh(entry: Entry): Promise<void> {
    if (entry.busy || entry.refreshing || entry.hands.size > 0) return;
    entry.refreshing = true;
    await this.#look(entry).catch(() => undefined);
    entry.refreshing = false;
  }

  /** Reads the state, and takes it unless it may be behind what was done meanwhile. */
  async #look(entry: Entry): Promise<void> {
    const { changes } = entry;
    const state = await this.#load(entry.xid);
    if (!state || entry.busy || entry.changes !== changes || state.seq <= (entry.state?.seq ?? 0)) return;
    entry.know(state);
    entry.watchers.tell(state);
  }

  #moment(): Moment {
    const { clock, chance, me } = this.#parts;
    return { now: clock.now(), draw: chance.draw(), me };
  }
}
