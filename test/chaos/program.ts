import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** What a helper needs of a test: to be told when it is over. */
export interface Scope {
  teardown(fn: () => unknown): void;
}

/** How a process ended: the signal that killed it, or its status. */
export type Ending = NodeJS.Signals | number;

export interface Launch {
  readonly name: string;
  /** Path of the compiled file, from `dist`. */
  readonly main: string;
  readonly args: readonly string[];
  /** Where it runs, and where its standard error goes. */
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
}

const startMs = 30_000;

/** Whatever ends this process ends its children too, each by its own id. */
const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** One program that is started, killed and started again, always on the same data. */
export class Program {
  readonly #launch: Launch;
  #child: ChildProcess | undefined;
  #ending: Promise<Ending> = Promise.resolve(0);

  constructor(scope: Scope, launch: Launch) {
    this.#launch = launch;
    scope.teardown(() => this.kill());
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** How the process that was started last ends. */
  get ending(): Promise<Ending> {
    return this.#ending;
  }

  /** Resolves when it listens, or when it was killed before that; rejects when it ends by itself instead. */
  async start(env: Readonly<Record<string, string>> = {}): Promise<void> {
    const { name, main, args, directory, env: usual } = this.#launch;
    const log = openSync(path.join(directory, `${name}.log`), 'a');
    const child = spawn(process.execPath, ['--conditions=concordat-test', compiled(main), ...args], {
      cwd: directory,
      env: { ...surroundings(), ...usual, ...env },
      stdio: ['ignore', 'pipe', log],
    });
    closeSync(log);
    running.add(child);
    this.#child = child;
    this.#ending = once(child, 'exit').then(([code, signal]) => {
      running.delete(child);
      return (signal ?? code) as Ending;
    });
    const listening = once(createInterface({ input: child.stdout! }), 'line').then(() => undefined);
    const ending = await Promise.race([listening, this.#ending, tooLate(startMs)]);
    if (ending === undefined || ending === 'SIGKILL') return;
    child.kill('SIGKILL');
    throw new Error(`${name} did not start (${ending}):\n${this.logged().slice(-2000)}`);
  }

  /** Sends a signal, and waits for the end that it brings. Nothing happens to one that ended already. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<Ending> {
    this.#child?.kill(signal);
    return this.#ending;
  }

  /** A signal that does not end it. */
  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** What it wrote to standard error, over all its lives. */
  logged(): string {
    return readFileSync(path.join(this.#launch.directory, `${this.#launch.name}.log`), 'utf8');
  }
}

export const compiled = (file: string): string => fileURLToPath(new URL(`../../${file}`, import.meta.url));

/** The environment without settings of ours: a test is the same for everybody. */
const surroundings = (): NodeJS.ProcessEnv =>
  Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(CONCORDAT|PARTICIPANT|PAYMENT|STOCK)_/.test(name)),
  );

/** `too late`, after that long; keeps nothing alive. */
export const tooLate = (ms: number): Promise<'too late'> =>
  new Promise((resolve) => setTimeout(() => resolve('too late'), ms).unref());

/** Between two looks at a condition: ever more seldom, as hundreds may be looking. */
const lookMs = { first: 10, most: 200, factor: 1.3 };

/** Looks until there is something to see. Rejects, naming what was waited for, when the time is up. */
export async function eventually<T>(what: string, look: () => Promise<T | undefined>, withinMs = 30_000): Promise<T> {
  const until = performance.now() + withinMs;
  for (let pauseMs = lookMs.first; ; pauseMs = Math.min(pauseMs * lookMs.factor, lookMs.most)) {
    const seen = await look();
    if (seen !== undefined) return seen;
    if (performance.now() >= until) throw new Error(`waited ${withinMs} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

/**
 * A port that stays free between two lives of a process: below those that the system hands out to callers, and in a
 * stretch that depends on this process.
 */
let nextPort = 10_000 + (process.pid % 200) * 100;

export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = nextPort++;
    if (await isFree(port)) return port;
  }
  throw new Error('expected a free port, found none');
}

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
