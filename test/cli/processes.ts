/** The command line as processes of their own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';

const cli = fileURLToPath(new URL('../../coordinator/cli.js', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

interface Surroundings {
  readonly directory: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Kill it there. */
  readonly failpoint?: string;
}

const cleanEnv = (): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('CONCORDAT_')));

const start = (args: readonly string[], { directory, env = {}, failpoint }: Surroundings): ChildProcess =>
  spawn(process.execPath, [...(failpoint ? ['--conditions=concordat-test'] : []), cli, ...args], {
    cwd: directory,
    env: { ...cleanEnv(), ...env, ...(failpoint && { CONCORDAT_FAILPOINT: failpoint }) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });

/** A folder of the test's own. */
export function folder(t: ExecutionContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'concordat-cli-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Runs a command to its end. */
export async function run(args: readonly string[], around: Surroundings): Promise<Ended> {
  const child = start(args, around);
  let out = '';
  let err = '';
  child.stdout?.on('data', (chunk) => (out += chunk));
  child.stderr?.on('data', (chunk) => (err += chunk));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, out, err };
}

export interface Begun {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves when it has said that, on either of its outputs; rejects when it ends without. */
  says(pattern: RegExp): Promise<void>;
}

/** A command that goes on until it is told to end. */
export function begin(args: readonly string[], around: Surroundings): Begun {
  const child = start(args, around);
  let out = '';
  let err = '';
  let onMore: () => void = () => undefined;
  child.stdout?.on('data', (chunk) => {
    out += chunk;
    onMore();
  });
  child.stderr?.on('data', (chunk) => {
    err += chunk;
    onMore();
  });
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, out, err }));
  return {
    child,
    ended,
    says: (pattern) =>
      new Promise((resolve, reject) => {
        onMore = () => {
          if (pattern.test(out) || pattern.test(err)) resolve();
        };
        onMore();
        void ended.then(() => reject(new Error(`ended without ${pattern}: ${out}${err}`)));
      }),
  };
}

export interface Serve {
  readonly child: ChildProcess;
  readonly first: { readonly listening: string; readonly [field: string]: unknown };
  /** All of standard error until now. */
  err(): string;
  /** Ends it by SIGTERM; resolves with its exit code. */
  stop(): Promise<number | null>;
}

/** A coordinator on a free port. */
export async function startServe(t: ExecutionContext, args: readonly string[], around: Surroundings): Promise<Serve> {
  const child = start(['serve', '--listen', '127.0.0.1:0', '--store', 'sqlite:test.db', ...args], around);
  t.teardown(() => void child.kill('SIGKILL'));
  let err = '';
  child.stderr?.on('data', (chunk) => (err += chunk));
  if (!child.stdout) throw new Error('no standard output');
  const lines = createInterface({ input: child.stdout });
  const ended = once(child, 'exit').then(() => {
    throw new Error(`serve ended: ${err}`);
  });
  const [first] = (await Promise.race([once(lines, 'line'), ended])) as [string];
  ended.catch(() => undefined);
  return {
    child,
    first: JSON.parse(first),
    err: () => err,
    async stop() {
      const exit = once(child, 'exit');
      child.kill('SIGTERM');
      return ((await exit) as [number | null])[0];
    },
  };
}
