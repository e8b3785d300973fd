/** Several processes, each with every so many-th seed; what they come to is added up here. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Options } from './options.js';
import type { Say } from './seeds.js';
import { type Figures, Tally } from './tally.js';

/** Objects here die young: room for many of them spares most of the collections. */
const nodeFlags = ['--max-semi-space-size=32'];
/** One that says nothing for so long hangs. */
const silenceMaxMs = 180_000;
const watchMs = 5000;

interface Child {
  readonly process: ChildProcess;
  figures: Figures | undefined;
  heardAt: number;
}

export interface Together {
  readonly tally: Tally;
  /** Processes that did not come to their end. */
  readonly broken: number;
}

/** `onBeat` hears the sum every now and then. */
export async function inProcesses(
  options: Options,
  args: readonly string[],
  say: Say,
  onBeat: (tally: Tally) => void,
): Promise<Together> {
  const entry = fileURLToPath(new URL('./main.js', import.meta.url));
  const children = shares(options).map((share): Child => {
    const child = fork(entry, [...args, ...share], { execArgv: [...process.execArgv, ...nodeFlags] });
    return { process: child, figures: undefined, heardAt: performance.now() };
  });
  const beat = setInterval(() => {
    for (const child of children) endIfSilent(child, say);
    onBeat(sumOf(children));
  }, watchMs);
  const ends = await Promise.all(children.map((child) => ended(child)));
  clearInterval(beat);
  return { tally: sumOf(children), broken: ends.filter((isWhole) => !isWhole).length };
}

/** What a process of several is told; the later of two flags counts. */
function shares({ processes, from, seeds }: Options): readonly (readonly string[])[] {
  return Array.from({ length: processes }, (_, index) => {
    const own = ['--from', String(from + index), '--step', String(processes)];
    return Number.isFinite(seeds) ? [...own, '--seeds', String(Math.ceil((seeds - index) / processes))] : own;
  });
}

/** False when it broke off. */
function ended(child: Child): Promise<boolean> {
  let isWhole = false;
  child.process.on('message', ({ figures, isLast }: { readonly figures: Figures; readonly isLast: boolean }) => {
    child.figures = figures;
    child.heardAt = performance.now();
    isWhole = isLast;
  });
  return new Promise((resolve) => child.process.on('exit', () => resolve(isWhole)));
}

function endIfSilent({ process: child, heardAt, figures }: Child, say: Say): void {
  if (child.exitCode !== null || performance.now() - heardAt < silenceMaxMs) return;
  say(`process ${child.pid} said nothing for ${silenceMaxMs / 1000} s, after ${figures?.seeds ?? 0} seeds: it hangs`);
  child.kill('SIGKILL');
}

function sumOf(children: readonly Child[]): Tally {
  const tally = new Tally();
  for (const { figures } of children) if (figures) tally.merge(figures);
  return tally;
}

/** Tells the process that forked this one. Resolves when it is told. */
export function tellParent(tally: Tally, isLast: boolean): Promise<void> {
  return new Promise((resolve) => process.send?.({ figures: tally.figures(), isLast }, () => resolve()));
}
