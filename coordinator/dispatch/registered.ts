import { planted } from '#faults';
import { type Command, commandKey, type Target } from '../../sdk/protocol/commands.js';
import { unplaced } from './absence.js';
import { BatchCall, type Waiting } from './batch-call.js';
import { batchBody, batchHeaders, itemOf } from './batch-request.js';
import { Batches } from './batches.js';
import type { KnownInstance } from './known-instance.js';
import type { Registry } from './registry.js';
import type { Reply } from './transport.js';
import { expired, isOver, notSent, stopping, type Wire } from './wire.js';

type Handler = Exclude<Target, { readonly url: string }>;

/** What was left out of a batch is remembered up to so many; a flood of them must not fill the memory. */
const aloneMax = 10_000;

/** Sends commands to the instances of registered participants: where they are now, not where they were once. */
export class RegisteredSender {
  readonly #wire: Wire;
  readonly #registry: Pick<Registry, 'pick'>;
  readonly #batches: Batches;
  /** Commands that a batch left without an outcome: their next attempt goes alone, so that none spoils others for ever. */
  readonly #alone = new Set<string>();

  constructor(wire: Wire, registry: Pick<Registry, 'pick'>) {
    this.#wire = wire;
    this.#registry = registry;
    this.#batches = new Batches({
      clock: wire.clock,
      itemOf: (command) => itemOf(wire.sender, handlerOf(command), command),
      sendOne: (instance, waiting) => this.#sendOne(instance, waiting),
      sendAll: (instance, all, items) => this.#sendAll(instance, all, items),
    });
  }

  /** Resolves with {@link unplaced} when nobody is there. */
  send(command: Command, { participant, handler }: Handler): Promise<Reply> {
    const instance = this.#registry.pick(participant, handler);
    if (!instance) {
      const isAttempt = planted('a-missing-instance-is-an-attempt');
      return Promise.resolve(isAttempt ? notSent('no instance') : unplaced);
    }
    const now = this.#wire.clock.now();
    if (isOver(command, now)) return Promise.resolve(expired);
    instance.outstanding++;
    const goesAlone = !instance.takesBatches || (command.attempt > 1 && this.#alone.delete(keyOf(command)));
    const sent = goesAlone ? this.#post(instance, command) : this.#batches.send(instance, command, now);
    const done = (reply: Reply): Reply => {
      instance.outstanding--;
      if (reply.kind !== 'unknown' || !('retryAfterMs' in reply)) return reply;
      // One that stops or is full says so for itself: where others are there, nobody has to wait for it.
      instance.gaveNoAnswer(reply.retryAfterMs);
      const isAnotherThere = this.#registry.pick(participant, handler)?.isAvoided === false;
      return isAnotherThere ? withoutWait(reply) : reply;
    };
    return sent.then(done);
  }

  #post(instance: KnownInstance, command: Command): Promise<Reply> {
    const path = `/${handlerOf(command)}/${command.body.op}`;
    return this.#wire.post({ url: instance.row.url, path, command, onLost: () => instance.gaveNoAnswer() });
  }

  #sendOne(instance: KnownInstance, { command, settle }: Waiting): void {
    void this.#post(instance, command).then(settle);
  }

  /** Nobody looked at it yet, and who it went to may have left meanwhile. */
  #sendAnew(waiting: Waiting): void {
    const { target } = waiting.command;
    const instance = 'participant' in target ? this.#registry.pick(target.participant, target.handler) : undefined;
    if (instance) this.#sendOne(instance, waiting);
    else waiting.settle(unplaced);
  }

  #sendAll(instance: KnownInstance, all: readonly Waiting[], items: readonly string[]): void {
    const [first] = all;
    const { addressOf, pools, sender, clock, isClosed } = this.#wire;
    const address = addressOf(instance.row.url);
    if (!first || isClosed || 'refusal' in address) {
      const reply = notSent('refusal' in address ? address.refusal : stopping);
      for (const { settle } of all) settle(reply);
      return;
    }
    const body = batchBody(items);
    const headers = batchHeaders(sender, first.command, body, clock.now());
    const call = new BatchCall(all, clock, {
      unsupported: (left) => {
        instance.knowsNoBatches();
        for (const waiting of left) this.#sendAnew(waiting);
      },
      noAnswer: () => instance.gaveNoAnswer(),
      leftOut: (command) => this.#goesAlone(command),
    });
    // The calls watch their deadlines themselves; undici's timeouts only watch for silence.
    const path = `${address.path}/_batch`;
    pools.of(address.origin).dispatch({ path, method: 'POST', headers, body, headersTimeout: 0, bodyTimeout: 0 }, call);
  }

  #goesAlone(command: Command): void {
    if (this.#alone.size >= aloneMax) this.#alone.clear();
    this.#alone.add(keyOf(command));
  }
}

const keyOf = ({ body }: Command): string => `${body.xid} ${commandKey(body.branch, body.op, 0)}`;

const withoutWait = ({ retryAfterMs, ...reply }: Reply & { readonly retryAfterMs?: number }): Reply => reply as Reply;

const handlerOf = ({ target }: Command): string => ('handler' in target ? target.handler : '');
