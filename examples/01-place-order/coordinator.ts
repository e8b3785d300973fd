import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const cli = fileURLToPath(new URL('../../coordinator/cli.js', import.meta.url));

/** `npx concordat serve`, on a free port and a SQLite file of its own. */
export async function startCoordinator(directory: string) {
  const store = `sqlite:${path.join(directory, 'concordat.db')}`;
  const child = spawn(process.execPath, [cli, 'serve', '--store', store, '--listen', '127.0.0.1:0'], {
    env: { PATH: process.env.PATH },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const ended = once(child, 'exit');
  // Whatever ends this process ends it too.
  process.once('exit', () => child.kill());
  // The first line that it prints says where it listens.
  const [line] = await Promise.race([once(createInterface({ input: child.stdout }), 'line'), ended]);
  if (typeof line !== 'string') throw new Error('the coordinator did not start');
  const { listening } = JSON.parse(line) as { listening: string };
  return {
    url: listening,
    async stop(): Promise<void> {
      child.kill('SIGTERM');
      await ended;
    },
  };
}
