import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

/** What a process is started with; the first JSON line that it prints says where it listens. */
export interface Program {
  readonly name: string;
  /** Path of the compiled file. */
  readonly main: string;
  /** `listen` is `host:port`. */
  readonly args: (listen: string) => readonly string[];
  /** On 127.0.0.1; a free one when it is taken. */
  readonly port: number;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Part {
  readonly name: string;
  readonly url: string;
  readonly pid: number | undefined;
  /** SIGKILL: it gets no chance to tidy up. */
  kill(): Promise<void>;
  /** Starts it again, on the same port and data. */
  restart(): Promise<void>;
}

/** How long a process may take to start, and to stop when asked. */
const startMs = 30_000;
const stopMs = 5_000;
/** How long a process that is started again waits for its port. */
const againMs = 15_000;

/** The demo's processes. Whatever ends this process ends them too. */
export class Processes {
  readonly #directory: string;
  #closed = false;
  readonly #running = new Set<ChildProcess>();
  readonly #killAll = (): void => {
    for (const child of this.#running) child.kill('SIGKILL');
  };

  /** `directory`: where the processes run and their logs are. */
  constructor(directory: string) {
    this.#directory = directory;
    process.on('exit', this.#killAll);
  }

  async start(program: Program): Promise<Part> {
    // Somebody may take the port between the look and the start.
    const preferred = (await isFree(program.port)) ? program.port : 0;
    const first = this.#spawn(program, `127.0.0.1:${preferred}`);
    let { child, url } = await first.catch((error: Error) => {
      if (preferred && isTaken(error)) return this.#spawn(program, '127.0.0.1:0');
      throw error;
    });
    return {
      name: program.name,
      url,
      get pid() {
        return child.pid;
      },
      kill: async () => {
        child.kill('SIGKILL');
        await ended(child);
      },
      restart: async () => {
        ({ child, url } = await this.#spawnAgain(program, new URL(url).host));
      },
    };
  }

  /** Runs a program to its end; gives what it printed. Its status is for the caller to judge. */
  async run(
    main: string,
    args: readonly string[],
  ): Promise<{ status: number | null; printed: string; complaint: string }> {
    const child = this.#watch(spawn(process.execPath, [main, ...args], { cwd: this.#directory, env: environment() }));
    const [printed, complaint] = await Promise.all([read(child.stdout), read(child.stderr), ended(child)]);
    return { status: child.exitCode, printed, complaint };
  }

  /** Asks all to stop, and kills who does not. */
  async stop(): Promise<void> {
    this.#closed = true;
    const children = [...this.#running];
    for (const child of children) child.kill('SIGTERM');
    const all = Promise.all(children.map(ended));
    await Promise.race([all, sleep(stopMs, undefined, { ref: false })]);
    this.#killAll();
    await all;
  }

  async #spawn({ name, main, args, env }: Program, listen: string) {
    if (this.#closed) throw new Error(`the ${name} process is not started: all are being stopped`);
    const log = path.join(this.#directory, `${name}.log`);
    const child = this.#watch(
      spawn(process.execPath, [main, ...args(listen)], {
        cwd: this.#directory,
        env: { ...environment(), ...env },
        stdio: ['ignore', 'pipe', openSync(log, 'a')],
      }),
    );
    const listening = await Promise.race([firstLine(child), ended(child), sleep(startMs, undefined, { ref: false })]);
    if (listening) return { child, url: listening };
    child.kill('SIGKILL');
    throw new Error(`the ${name} process did not start:\n${readFileSync(log, 'utf8').slice(-2000)}`);
  }

  /** Others know where it was, so it waits for whoever has borrowed its port in between. */
  async #spawnAgain(program: Program, listen: string) {
    for (const until = performance.now() + againMs; ; await sleep(200)) {
      try {
        return await this.#spawn(program, listen);
      } catch (error) {
        if (!isTaken(error as Error) || performance.now() > until) throw error;
      }
    }
  }

  #watch<Child extends ChildProcess>(child: Child): Child {
    this.#running.add(child);
    child.once('exit', () => this.#running.delete(child));
    return child;
  }
}

/** The environment without settings of the coordinator and the services: the demo is the same for everybody. */
const environment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(CONCORDAT|PARTICIPANT|PAYMENT|STOCK)_/.test(name)),
  );

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

async function firstLine({ stdout }: ChildProcess): Promise<string | undefined> {
  if (!stdout) return undefined;
  // Goes on reading: a full pipe would stop the process.
  const lines = createInterface({ input: stdout });
  const [line] = (await once(lines, 'line')) as [string];
  return (JSON.parse(line) as { listening?: string }).listening;
}

async function read(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

const isTaken = ({ message }: Error): boolean => /EADDRINUSE|in use/.test(message);

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
