import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const stops: (() => Promise<unknown>)[] = [];

/** Starts a compiled program and resolves with the address that it prints when it listens. */
export async function start(file: string, args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  const child = spawn(process.execPath, [fileURLToPath(new URL(file, import.meta.url)), ...args], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const ended = once(child, 'exit');
  // Whatever ends this process ends it too.
  process.once('exit', () => child.kill());
  stops.push(() => {
    child.kill('SIGTERM');
    return ended;
  });
  const [line] = await Promise.race([once(createInterface({ input: child.stdout }), 'line'), ended]);
  if (typeof line !== 'string') throw new Error(`${file} did not start`);
  return (JSON.parse(line) as { listening: string }).listening;
}

/** Stops all that was started. */
export const stopAll = (): Promise<unknown> => Promise.all(stops.map((stop) => stop()));
