/** Starts and ends the processes of a round. */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Reply } from './parent.js';

const running = new Set<ChildProcess>();

/** Ends whatever still runs, at once. */
export function killAll(): void {
  for (const child of running) child.kill('SIGKILL');
}

function watch(child: ChildProcess): ChildProcess {
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

async function stop(child: ChildProcess): Promise<void> {
  if (!running.has(child)) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const inTime = await Promise.race([ended.then(() => true), sleep(10_000, false, { ref: false })]);
  if (!inTime) child.kill('SIGKILL');
  await ended;
}

/** A process that has ended when it should not have is an error of whoever waits for it. */
async function unlessItEnds<T>(child: ChildProcess, name: string, log: string, wanted: Promise<T>): Promise<T> {
  const over = new AbortController();
  const ended = once(child, 'exit', { signal: over.signal }).then(([code, signal]) => {
    throw new Error(`the ${name} ended (${signal ?? code}): ${readFileSync(log, 'utf8').slice(-2000)}`);
  });
  try {
    return await Promise.race([wanted, ended]);
  } finally {
    over.abort();
  }
}

/** The environment without settings of the coordinator, which would change what is measured. */
const plainEnv = (): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('CONCORDAT_'))),
  NODE_ENV: 'production',
});

const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

function forkPart(name: string, dir: string): { child: ChildProcess; log: string } {
  const log = `${dir}/${basename(name)}.log`;
  const out = openSync(log, 'w');
  const child = fork(script(`./${name}.js`), { env: plainEnv(), execArgv: [], stdio: ['ignore', out, out, 'ipc'] });
  return { child: watch(child), log };
}

export interface Part {
  readonly pid: number;
  stop(): Promise<void>;
}

export interface Server extends Part {
  readonly url: string;
}

const pidOf = ({ pid }: ChildProcess): number => pid ?? Number.NaN;

/** `concordat serve` on a fresh store, as a user would start it. */
export async function startCoordinator(dir: string, store: string, cli: string): Promise<Server> {
  const log = `${dir}/coordinator.log`;
  const args = ['serve', '--store', store, '--queue', 'memory', '--listen', '127.0.0.1:0'];
  const child = watch(
    spawn(process.execPath, [cli, ...args], {
      cwd: dir,
      env: { ...plainEnv(), CONCORDAT_BENCH_STATS: '1' },
      stdio: ['ignore', 'pipe', openSync(log, 'w')],
    }),
  );
  if (!child.stdout) throw new Error('the coordinator has no standard output');
  const lines = createInterface({ input: child.stdout });
  const [first] = await unlessItEnds(child, 'coordinator', log, once(lines, 'line'));
  const { listening } = JSON.parse(first as string) as { listening: string };
  return { pid: pidOf(child), url: listening, stop: () => stop(child) };
}

/** A process of the bench's own. */
export interface Told<Ask> extends Part {
  /** Rejects with what went wrong there. */
  ask<Done>(what: Ask): Promise<Done>;
}

/** Starts a script, by its path from this folder, which answers its parent. */
export async function startPart<Ask extends object | string>(name: string, dir: string): Promise<Told<Ask>> {
  const { child, log } = forkPart(name, dir);
  await unlessItEnds(child, name, log, once(child, 'message'));
  return {
    pid: pidOf(child),
    stop: () => stop(child),
    async ask<Done>(what: Ask) {
      const replied = once(child, 'message');
      child.send(what);
      const [reply] = (await unlessItEnds(child, name, log, replied)) as [Reply<Done>];
      if ('failed' in reply) throw new Error(`${name}: ${reply.failed}`);
      return reply.done;
    },
  };
}
