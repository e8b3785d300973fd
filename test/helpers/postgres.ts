/** A PostgreSQL of the test's own, from the machine's binaries: on a socket in a folder of its own, gone afterwards. */
import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chown, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import knexFactory, { type Knex } from 'knex';

const installed = '/usr/lib/postgresql';

/** The folder of `initdb` and `postgres`; undefined where there are none. Throws where they are required. */
export function postgresBinaries(): string | undefined {
  const versions = existsSync(installed) ? readdirSync(installed).sort((a, b) => Number(b) - Number(a)) : [];
  const found = versions
    .map((version) => path.join(installed, version, 'bin'))
    .find((bin) => existsSync(`${bin}/initdb`));
  const required = (process.env.CONCORDAT_REQUIRE ?? '').split(',').includes('postgres');
  if (!found && required)
    throw new Error(`expected PostgreSQL in ${installed}/<version>/bin, as CONCORDAT_REQUIRE says; install it`);
  return found;
}

export const postgresMissing = `PostgreSQL is not in ${installed}: its tests are left out`;

export interface Postgres {
  /** The folder of its socket: a `host` for connections. */
  readonly socket: string;
  /** Makes a database and returns its name. `settings`: `alter database … set` of each. */
  database(settings?: Readonly<Record<string, string>>): Promise<string>;
  /** The address of a database, for what takes one. `socket`: in place of the server's, that of a proxy. */
  url(database: string, socket?: string): string;
  connect(database: string, options?: ConnectOptions): Knex;
  /** Its first process; the others are children of that one. */
  pid(): number;
  /** Kills all of its processes at once, as a power cut would, and starts it again on the same data. */
  crash(): Promise<void>;
  stop(): Promise<void>;
}

export interface ConnectOptions {
  readonly max?: number;
  /** In place of the server's: that of a proxy. */
  readonly socket?: string;
  readonly user?: string;
}

const superuser = 'postgres';
const nothing = (): void => undefined;
const silent = { warn: nothing, error: nothing, deprecate: nothing, debug: nothing };

/** `more`: settings of the server. */
export async function startPostgres(more: Readonly<Record<string, string>> = {}): Promise<Postgres> {
  const bin = postgresBinaries();
  if (!bin) throw new Error(postgresMissing);
  const owner = ownerOf();
  const folder = await mkdtemp(path.join(tmpdir(), 'concordat-pg-'));
  if (owner) await chown(folder, owner.uid, owner.gid);
  const data = path.join(folder, 'data');
  const initdb = ['-D', data, '-U', superuser, '-A', 'trust', '-E', 'UTF8', '--locale=C', '-N'];
  await promisify(execFile)(path.join(bin, 'initdb'), initdb, { cwd: folder, ...owner });
  // Nothing of it has to outlive the machine.
  const settings = ['fsync=off', 'full_page_writes=off', 'listen_addresses=', `unix_socket_directories=${folder}`];
  const asked = Object.entries(more).map(([name, value]) => `${name}=${value}`);
  const command = [path.join(bin, 'postgres'), '-D', data];
  const all = [...settings, 'max_connections=200', 'log_min_messages=panic', ...asked].flatMap((each) => ['-c', each]);
  const launch = () =>
    spawn('sh', ['-c', untilTold, folder, ...command, ...all], {
      cwd: folder,
      stdio: ['pipe', 'ignore', 'inherit'],
      ...owner,
    });
  let server = launch();
  const connect = (database: string, { max = 5, socket = folder, user = superuser }: ConnectOptions = {}): Knex =>
    knexFactory({ client: 'pg', connection: { host: socket, user, database }, pool: { min: 0, max }, log: silent });
  const admin = connect('postgres', { max: 1 });
  await answering(admin);
  let made = 0;
  return {
    socket: folder,
    url: (database, socket = folder) => `postgres://${superuser}@localhost/${database}?host=${socket}`,
    connect,
    async database(settings = {}) {
      const name = `test_${++made}`;
      await admin.raw(`create database ${name}`);
      for (const [key, value] of Object.entries(settings))
        await admin.raw(`alter database ${name} set ${key} = '${value}'`);
      return name;
    },
    pid: () => firstIn(data),
    async crash() {
      const exited = once(server, 'exit');
      for (const pid of processesIn(data)) process.kill(pid, 'SIGKILL');
      server.stdin.end('again\n');
      await exited;
      server = launch();
      await answering(admin);
    },
    async stop() {
      const exited = once(server, 'exit');
      await admin.destroy();
      server.stdin.end();
      await exited;
    },
  };
}

/**
 * Ends with this process, however that one ends: its standard input is closed then. The folder goes too, unless it is to be
 * started again there.
 */
const untilTold =
  'exec 3>&2; "$@" 2>&3 & exec 2>/dev/null; read -r told; kill -QUIT $!; wait $!; [ "$told" = again ] || rm -rf "$0"';

const firstIn = (data: string): number =>
  Number(readFileSync(path.join(data, 'postmaster.pid'), 'utf8').split('\n')[0]);

/** The server's first process and its children. */
function processesIn(data: string): readonly number[] {
  const first = firstIn(data);
  const children = readFileSync(`/proc/${first}/task/${first}/children`, 'utf8').trim().split(' ');
  return [first, ...children.filter((pid) => pid !== '').map(Number)];
}

/** PostgreSQL does not run as root. */
function ownerOf(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string): number => Number(execFileSync('id', [flag, superuser], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

const startMsMax = 60_000;

async function answering(admin: Knex): Promise<void> {
  const endsAt = performance.now() + startMsMax;
  for (;;) {
    try {
      await admin.raw('select 1');
      return;
    } catch (error) {
      if (performance.now() > endsAt) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
