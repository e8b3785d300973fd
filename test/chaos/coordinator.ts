import path from 'node:path';
import { type Ending, freePort, Program, type Scope, tooLate } from './program.js';

export interface Armed {
  /** `name`, or `name@N` for the N-th time that it is reached. */
  readonly failpoint?: string | undefined;
  /** A protection that is taken out. */
  readonly planted?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
}

/** Short, so that tests are; recovery after a kill does not wait for the lease, as the owner's process is gone. */
const pace = { CONCORDAT_LEASE_MS: '3000', CONCORDAT_SWEEP_MS: '50', CONCORDAT_LOG_LEVEL: 'info' };

const diesWithinMs = 30_000;

/** `concordat serve` as a process, on one SQLite file and one port for all its lives. */
export class Coordinator {
  readonly url: string;
  readonly db: string;
  readonly #program: Program;

  private constructor(program: Program, url: string, db: string) {
    this.#program = program;
    this.url = url;
    this.db = db;
  }

  /** Not started yet. */
  static async prepare(scope: Scope, directory: string, env: Readonly<Record<string, string>>, name = 'coordinator') {
    const port = await freePort();
    const db = path.join(directory, 'coordinator.db');
    const program = new Program(scope, {
      name,
      main: 'coordinator/cli.js',
      args: ['serve'],
      directory,
      env: { ...pace, CONCORDAT_STORE: `sqlite:${db}`, CONCORDAT_LISTEN: `127.0.0.1:${port}`, ...env },
    });
    return new Coordinator(program, `http://127.0.0.1:${port}`, db);
  }

  get pid(): number | undefined {
    return this.#program.pid;
  }

  get ending(): Promise<Ending> {
    return this.#program.ending;
  }

  start({ failpoint, planted, env }: Armed = {}): Promise<void> {
    return this.#program.start({
      ...(failpoint !== undefined && { CONCORDAT_FAILPOINT: failpoint }),
      ...(planted !== undefined && { CONCORDAT_PLANTED: planted }),
      ...env,
    });
  }

  /** Waits until it killed itself. Rejects when it does not get there, or ends in another way. */
  async diesAtFailpoint(withinMs = diesWithinMs): Promise<void> {
    const ending = await Promise.race([this.ending, tooLate(withinMs)]);
    if (ending !== 'SIGKILL') throw new Error(`expected a kill at the failpoint, got ${ending}`);
  }

  kill(signal?: NodeJS.Signals): Promise<Ending> {
    return this.#program.kill(signal);
  }

  signal(signal: NodeJS.Signals): void {
    this.#program.signal(signal);
  }

  logged(): string {
    return this.#program.logged();
  }
}
