import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { ExecutionContext } from 'ava';

const main = new URL('../../examples/demo/main.js', import.meta.url).pathname;

/** The demo as a process of its own, with everything that it says. */
export function startDemo(t: ExecutionContext, ...args: readonly string[]) {
  const child: ChildProcess = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '';
  let heard = (): void => undefined;
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
      heard();
    });
  }
  const ended = once(child, 'close').then(([status]) => {
    heard();
    return status as number | null;
  });
  t.teardown(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    await ended;
  });
  /** Resolves once `wanted` was printed; rejects when the demo ends before. */
  const says = async (wanted: string | RegExp): Promise<string> => {
    for (;;) {
      const found = printed.match(wanted);
      if (found) return found[1] ?? found[0];
      if (child.exitCode !== null) throw new Error(`the demo ended without saying ${wanted}:\n${printed}`);
      await new Promise<void>((resolve) => {
        heard = resolve;
      });
    }
  };
  return {
    ended,
    says,
    printed: () => printed,
    pids: () => [...printed.matchAll(/pid (\d+)/g)].map(([, pid]) => Number(pid)),
    interrupt: () => child.kill('SIGINT'),
  };
}

/** Whether a process is there. */
export function lives(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
