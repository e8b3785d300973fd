/** A client with one transaction: asks again until it is answered, whichever coordinator is there. */
import type { Input } from '../../coordinator/decide/inputs.js';
import { type State, statusOf } from '../../coordinator/decide/state.js';
import type { Engine, Handled } from '../../coordinator/engine.js';
import { ConcordatError } from '../../sdk/protocol/errors.js';
import type { Xid } from '../../sdk/protocol/ids.js';
import { spec } from '../decide/requests.js';
import type { ProcessClock } from '../engine/clock.js';
import { never } from '../helpers/never.js';
import type { Deed, Repeat, Told } from '../simulation/history.js';
import type { Scenario } from './scenarios.js';

export interface ClientParts {
  readonly xid: Xid;
  /** Goes on whoever dies. */
  readonly clock: ProcessClock;
  /** Of a coordinator that is there; with the next turn of the next one. */
  readonly engine: (turn: number) => Engine | undefined;
  /** The boundary before a request: false when the client is gone. */
  readonly beforeRequest: () => boolean;
  readonly note: (line: string) => void;
}

const patienceMs = 600;
const againMs = { first: 50, most: 400 };
const triesMax = 40;
/** It may pass: the same request is made again. */
const passing = new Set(['nothing', 'nobody', 'store_unavailable', 'internal', 'stopping']);

export class Client {
  readonly told: Told[] = [];
  readonly repeats: Repeat[] = [];
  readonly deeds: Deed[] = [];
  /** It has no more to ask, or is gone. */
  isDone = false;
  isGone = false;
  readonly #parts: ClientParts;

  constructor(parts: ClientParts) {
    this.#parts = parts;
  }

  async live(scenario: Scenario, open: Input): Promise<void> {
    await this.ask(open);
    if (scenario.drive === 'client') await this.#drive(scenario);
    this.isDone = true;
  }

  /** Until it is answered, or refused. The code of the refusal. What is asked may differ each time. */
  async ask(input: Input | ((tries: number) => Input)): Promise<string> {
    let said = 'nobody';
    for (let tries = 0; tries < triesMax && passing.has(said); tries++) {
      if (tries > 0) await this.#pause(Math.min(againMs.first * 2 ** (tries - 1), againMs.most));
      if (!this.#parts.beforeRequest()) {
        this.isGone = true;
        this.isDone = true;
        await never();
      }
      const asked = typeof input === 'function' ? input(tries) : input;
      said = await this.once(asked, 'by' in asked ? asked.by : 'client', tries);
    }
    return said;
  }

  /** One request. `nothing` when there was no answer in time. */
  async once(input: Input, by: string, turn = 0): Promise<string> {
    const { engine, xid, note } = this.#parts;
    const there = engine(turn);
    if (!there) return 'nobody';
    try {
      const handled = await this.#within(patienceMs, there.handle(xid, input));
      if (handled) this.#heard(input, by, handled);
      note(`${by} asked to ${input.type}: ${handled ? statusOf(handled.state) : 'no answer'}`);
      return handled ? 'answered' : 'nothing';
    } catch (error) {
      const code = error instanceof ConcordatError ? error.code : String(error);
      note(`${by} asked to ${input.type}: ${code}`);
      return code;
    }
  }

  #heard(input: Input, by: string, { state, changed }: Handled): void {
    const { xid, seq, append, decision } = state;
    this.told.push({ changed, xid, by, asked: input.type, seq, append, decision, status: statusOf(state) });
    if (input.type === 'retry') this.deeds.push({ xid, by, what: 'retry', changed, branches: 1 });
    if (input.type === 'resolve')
      this.deeds.push({ xid, by, what: 'resolve', changed, branches: input.branches.length });
  }

  async #drive({ steps, lastly, isParallel }: Scenario): Promise<void> {
    for (const [index, { after: _, ...step }] of steps.entries()) {
      const said = await this.ask({ type: 'add_branch', spec: spec(step) });
      if (said !== 'answered') return;
      if (!isParallel) await this.#untilAnswered(index);
    }
    if (isParallel) for (const index of steps.keys()) await this.#untilAnswered(index);
    if (lastly === 'commit') await this.ask({ type: 'commit' });
    if (lastly === 'rollback') await this.ask({ type: 'rollback', reason: 'the client' });
  }

  async #untilAnswered(index: number): Promise<void> {
    const isAnswered = ({ branches }: State): boolean => branches[index]?.stage.at !== 'asked';
    for (let tries = 0; tries < triesMax; tries++) {
      const there = this.#parts.engine(tries);
      const state =
        there && (await this.#within(patienceMs, there.until(this.#parts.xid, isAnswered, 500)).catch(none));
      if (state && isAnswered(state)) return;
      if (!state) await this.#pause(againMs.most);
    }
  }

  /** Undefined when it did not come in time. */
  #within<T>(ms: number, answer: Promise<T>): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      const cancel = this.#parts.clock.after(ms, () => resolve(undefined));
      answer.then(
        (value) => {
          cancel();
          resolve(value);
        },
        (error) => {
          cancel();
          reject(error);
        },
      );
    });
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#parts.clock.after(ms, resolve));
  }
}

const none = (): undefined => undefined;
