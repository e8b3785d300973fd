/**
 * Gathers the commands that become ready in one turn for one instance, and sends them together. Nothing waits longer
 * than to the end of its turn, so one command alone is as fast as ever; and it goes to its own endpoint.
 */
import { planted } from '#faults';
import type { Command } from '../../sdk/protocol/commands.js';
import { limits } from '../../sdk/protocol/limits.js';
import type { Clock } from '../clock.js';
import type { Waiting } from './batch-call.js';
import { frameBytes } from './batch-request.js';
import type { KnownInstance } from './known-instance.js';
import { cleanText } from './text.js';
import type { Reply } from './transport.js';
import { expired, isOver, notSent } from './wire.js';

export interface BatchesParts {
  readonly clock: Clock;
  /** A command as it goes into a batch. */
  readonly itemOf: (command: Command) => string;
  /** Sends one by itself. */
  readonly sendOne: (instance: KnownInstance, waiting: Waiting) => void;
  /** Sends several together, with their items in the same order. */
  readonly sendAll: (instance: KnownInstance, all: readonly Waiting[], items: readonly string[]) => void;
}

export class Batches {
  readonly #parts: BatchesParts;
  #ready = new Map<KnownInstance, Waiting[]>();

  constructor(parts: BatchesParts) {
    this.#parts = parts;
  }

  send(instance: KnownInstance, command: Command, now: number): Promise<Reply> {
    return new Promise((settle) => {
      const { clock } = this.#parts;
      if (this.#ready.size === 0) clock.soon(() => this.#flush());
      const waiting: Waiting = { command, deadline: clock.monotonic() + command.expiresAt - now, settle };
      const ready = this.#ready.get(instance);
      if (ready) ready.push(waiting);
      else this.#ready.set(instance, [waiting]);
    });
  }

  #flush(): void {
    const ready = this.#ready;
    this.#ready = new Map();
    for (const [instance, all] of ready) {
      try {
        this.#sendAll(instance, all);
      } catch (error) {
        // Settling a second time changes nothing.
        for (const { settle } of all) settle(notSent(cleanText(String(error), 300)));
      }
    }
  }

  #sendAll(instance: KnownInstance, all: readonly Waiting[]): void {
    const [first] = all;
    if (first && all.length === 1) {
      this.#parts.sendOne(instance, first);
      return;
    }
    let batch: Waiting[] = [];
    let items: string[] = [];
    let bytes = 0;
    const close = (): void => {
      const [only] = batch;
      if (only && batch.length === 1) this.#parts.sendOne(instance, only);
      else if (only) this.#parts.sendAll(instance, batch, items);
      batch = [];
      items = [];
      bytes = 0;
    };
    const { clock, itemOf } = this.#parts;
    const [now, monotonic] = [clock.now(), clock.monotonic()];
    const hasNoTime = ({ deadline }: Waiting) => deadline <= monotonic && !planted('expired-commands-are-sent');
    for (const waiting of all) {
      // The clock may have been set since it became ready, either way.
      if (isOver(waiting.command, now) || hasNoTime(waiting)) {
        waiting.settle(expired);
        continue;
      }
      const item = itemOf(waiting.command);
      const itemBytes = Buffer.byteLength(item);
      if (batch.length === limits.batchMax || bytes + itemBytes + frameBytes(batch.length + 1) > limits.batchBytes)
        close();
      batch.push(waiting);
      items.push(item);
      bytes += itemBytes;
    }
    close();
  }
}
