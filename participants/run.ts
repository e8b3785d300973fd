import { parseArgs } from 'node:util';
import { type Host, serve } from 'concordat';
import type { Knex } from 'knex';

/** What differs between the services' command lines. */
export interface Program {
  readonly name: string;
  readonly listen: string;
  /** The flags that give the first rows, with the variable that stands in for each. */
  readonly flags: Readonly<Record<string, { readonly variable: string; readonly help: string }>>;
  /** Opens the database file and makes the service on it. Throws for a flag that is wrong. */
  readonly open: (file: string, flag: (name: string) => string) => Promise<Opened>;
}

export interface Opened {
  /** Of a decorated class. */
  readonly service: object;
  readonly db: Knex;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Runs one service as this process: reads flags and environment, says where it listens, stops on SIGTERM or SIGINT. */
export async function run(program: Program, args: readonly string[], env: Environment): Promise<void> {
  try {
    const values = readFlags(program, args);
    if (values.help) {
      process.stdout.write(help(program));
      return;
    }
    const file = String(values.db ?? env.PARTICIPANT_DB ?? `${program.name}.db`);
    const flag = (name: string) => String(values[name] ?? env[program.flags[name]?.variable ?? ''] ?? '');
    const { service, db } = await program.open(file, flag);
    const host = await serve({
      participants: [service],
      listen: String(values.listen ?? env.PARTICIPANT_LISTEN ?? program.listen),
      ...(values.coordinator !== undefined && { coordinator: String(values.coordinator) }),
      ...(env.PARTICIPANT_SIGNING_SECRET && { signingSecret: env.PARTICIPANT_SIGNING_SECRET }),
    }).catch(async (error: unknown) => {
      await db.destroy();
      throw error;
    });
    process.stdout.write(`${JSON.stringify({ listening: host.url, service: program.name, db: file })}\n`);
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void stop(host, db));
  } catch (error) {
    process.stderr.write(`${program.name}: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 2;
  }
}

/** Lets what is in flight finish. */
async function stop(host: Host, db: Knex): Promise<void> {
  await host.close();
  await db.destroy();
}

function readFlags({ flags }: Program, args: readonly string[]) {
  const text = { type: 'string' } as const;
  const seeds = Object.fromEntries(Object.keys(flags).map((name) => [name, text]));
  const { values } = parseArgs({
    args: [...args],
    options: { listen: text, db: text, coordinator: text, help: { type: 'boolean' }, ...seeds },
  });
  return values as Readonly<Record<string, string | boolean | undefined>>;
}

const help = ({ name, listen, flags }: Program): string => `The ${name} service.

  --listen host:port   where it listens (${listen}; port 0 takes a free one)
  --db path            its SQLite database (${name}.db)
  --coordinator URL    whom it tells that it is there (CONCORDAT_URL, else http://127.0.0.1:8090)
${Object.entries(flags)
  .map(([flag, { variable, help: text }]) => `  --${flag} ${text} (or ${variable})\n`)
  .join('')}
  PARTICIPANT_SIGNING_SECRET   whsec_…, several separated by spaces: only commands signed with one of them are taken
                               (else CONCORDAT_SIGNING_SECRET)
`;
