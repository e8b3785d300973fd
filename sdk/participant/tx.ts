import { planted } from '#faults';
import type { ForwardFact } from '../protocol/commands.js';
import type { Json } from '../protocol/json.js';
import { type Op, opOf } from '../protocol/kinds.js';
import type { OpenTransaction } from '../resources/database.js';
import type { Branch } from './branch.js';
import type { Clock } from './clock.js';
import type { Received } from './command.js';
import type { WorkSite } from './fence.js';
import type { Handler } from './handler.js';

/** Controllers of handlers that asked for their signal, so that closing aborts them. */
export type Signals = Set<AbortController>;

/** `tx` of one run of a handler: a {@link Branch}, and what a `Settle` has besides. What is seldom asked for is made when it is. */
export class HandlerTx implements Branch {
  readonly origin: string;
  readonly xid: string;
  readonly branch: number;
  readonly id: string;
  readonly op: Op;
  readonly attempt: number;
  /** Of a forward op this says nothing. */
  readonly output: Json | undefined;
  readonly forward: ForwardFact;
  readonly reason: string | undefined;
  readonly #command: Received;
  readonly #handler: Handler;
  readonly #site: WorkSite;
  readonly #clock: Clock;
  readonly #signals: Signals;
  #controller: AbortController | undefined;
  #cancel: (() => void) | undefined;
  #over = false;

  constructor(command: Received, handler: Handler, site: WorkSite, clock: Clock, signals: Signals) {
    const { xid, branch, id, op, forward, reason } = command.body;
    this.origin = command.origin;
    this.xid = xid;
    this.branch = branch;
    this.id = id;
    this.op = op;
    this.attempt = command.attempt;
    this.output = site.output;
    this.forward = forward ?? 'unknown';
    this.reason = reason;
    this.#command = command;
    this.#handler = handler;
    this.#site = site;
    this.#clock = clock;
    this.#signals = signals;
  }

  get db(): OpenTransaction {
    return this.#site.db();
  }

  get idempotencyKey(): string {
    return this.#keyOf(this.op);
  }

  get forwardKey(): string {
    return this.#keyOf(opOf(this.#handler.kind, 'forward') ?? this.op);
  }

  get ticket(): string {
    const { xid, branch, op, token } = { ...this, token: this.#command.token };
    if (token === undefined)
      throw new Error('tx.ticket: this command came without a token, so its outcome cannot come later');
    return JSON.stringify({ xid, branch, op, token });
  }

  get signal(): AbortSignal {
    if (this.#controller) return this.#controller.signal;
    const controller = new AbortController();
    this.#controller = controller;
    if (this.#over) controller.abort(new Error('the handler has ended'));
    else this.#watch(controller);
    return controller.signal;
  }

  /** Its handler has ended: nothing is aborted any more. */
  end(): void {
    this.#over = true;
    this.#cancel?.();
    if (this.#controller) this.#signals.delete(this.#controller);
  }

  #watch(controller: AbortController): void {
    this.#signals.add(controller);
    const { until } = this.#site;
    if (until === Number.POSITIVE_INFINITY) return;
    this.#cancel = this.#clock.after(until - this.#clock.now(), () =>
      controller.abort(new DOMException(`the time of '${this.op}' is over`, 'TimeoutError')),
    );
  }

  #keyOf(op: Op): string {
    const branch = planted('one-key-for-all-branches') ? 0 : this.branch;
    return `${this.origin}-${this.xid}-${branch}-${op}`;
  }
}
