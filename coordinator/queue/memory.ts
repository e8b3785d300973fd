import type { Command } from '../../sdk/protocol/commands.js';
import { type Clock, systemClock } from '../clock.js';
import type { CommandQueue } from './queue.js';

export interface MemoryQueueOptions {
  /** Handlers that run at once. Unlimited by default: the door out holds back by target, so that a slow one delays no other. */
  readonly concurrency?: number;
  readonly clock?: Clock;
  /** Hears what a handler threw; nothing else does. The sweep sends such a command again. */
  readonly onError?: (error: unknown, command: Command) => void;
}

/** For the next microtask: `queueMicrotask` makes an async resource each time. */
const ready = Promise.resolve();

/** A handler that throws at once is one that rejects. */
function called(handle: (command: Command) => Promise<void>, command: Command): Promise<void> {
  try {
    return handle(command);
  } catch (error) {
    return Promise.reject(error);
  }
}

/** The queue inside one process: first in, first out, handed out in the next microtask. */
export function memoryQueue(options: MemoryQueueOptions = {}): CommandQueue {
  const { concurrency = Number.POSITIVE_INFINITY, clock = systemClock(), onError } = options;
  let handler: ((command: Command) => Promise<void>) | undefined;
  let waiting: Command[] = [];
  let next = 0;
  let running = 0;
  let scheduled = false;
  let closed = false;
  let whenIdle: (() => void) | undefined;

  const ended = (): void => {
    running--;
    if (running === 0) whenIdle?.();
    if (next < waiting.length) schedule();
  };

  const run = (command: Command, handle: (command: Command) => Promise<void>): void => {
    running++;
    called(handle, command).then(ended, (error) => {
      ended();
      onError?.(error, command);
    });
  };

  const handOut = (): void => {
    scheduled = false;
    if (closed || !handler) return;
    while (running < concurrency && next < waiting.length) run(waiting[next++] as Command, handler);
    if (next === waiting.length || (next > 1024 && next * 2 > waiting.length)) {
      waiting = waiting.slice(next);
      next = 0;
    }
  };

  const schedule = (): void => {
    if (scheduled || closed) return;
    scheduled = true;
    void ready.then(handOut);
  };

  return {
    add(commands) {
      if (closed) return;
      for (const command of commands) waiting.push(command);
      schedule();
    },
    consume(consumer) {
      handler = consumer;
      schedule();
    },
    depth: () => waiting.length - next + running,
    async close(graceMs) {
      closed = true;
      waiting = [];
      next = 0;
      if (running === 0) return;
      await new Promise<void>((resolve) => {
        const cancel = clock.after(graceMs, resolve);
        whenIdle = () => {
          cancel();
          resolve();
        };
      });
    },
  };
}
