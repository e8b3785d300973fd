import cliProgress from 'cli-progress';
import type { Clock } from '../clock.js';
import { counted } from './times.js';

/** How far long work is: a bar on a terminal, a plain line every few seconds in a pipe. On standard error either way. */
export interface Progress {
  at(done: number): void;
  stop(): void;
}

const linesEveryMs = 3000;

export function progressOf(what: string, total: number, clock: Pick<Clock, 'monotonic'>): Progress {
  return process.stderr.isTTY ? bar(what, total) : lines(what, total, clock);
}

function bar(what: string, total: number): Progress {
  const format = ` {bar} {percentage}% | {value} of {total} ${what}s | {eta_formatted} left`;
  const made = new cliProgress.SingleBar(
    { format, stream: process.stderr, hideCursor: true, etaBuffer: 50 },
    cliProgress.Presets.shades_classic,
  );
  made.start(total, 0);
  return { at: (done) => made.update(Math.min(done, total)), stop: () => made.stop() };
}

function lines(what: string, total: number, clock: Pick<Clock, 'monotonic'>): Progress {
  let next = clock.monotonic() + linesEveryMs;
  return {
    at(done) {
      if (clock.monotonic() < next) return;
      next = clock.monotonic() + linesEveryMs;
      process.stderr.write(`${done} of ${counted(total, what)}\n`);
    },
    stop: () => undefined,
  };
}
