import { parseArgs } from 'node:util';
import { killAt } from './failpoint.js';
import type { Service, ServiceOptions } from './service.js';

/** What differs between the services' command lines. */
export interface Program {
  readonly name: string;
  readonly listen: string;
  /** The flags that give the first rows, with the variable that stands in for each. */
  readonly flags: Readonly<Record<string, { readonly variable: string; readonly help: string }>>;
  readonly start: (options: ServiceOptions, flag: (name: string) => string) => Promise<Service>;
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
    const options: ServiceOptions = {
      listen: String(values.listen ?? env.PARTICIPANT_LISTEN ?? program.listen),
      db: String(values.db ?? env.PARTICIPANT_DB ?? `${program.name}.db`),
      secret: env.PARTICIPANT_SIGNING_SECRET,
      reach: env.PARTICIPANT_FAILPOINT ? killAt(env.PARTICIPANT_FAILPOINT) : undefined,
    };
    const flag = (name: string) => String(values[name] ?? env[program.flags[name]?.variable ?? ''] ?? '');
    const service = await program.start(options, flag);
    process.stdout.write(`${JSON.stringify({ listening: service.url, service: program.name, db: options.db })}\n`);
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void service.stop());
  } catch (error) {
    process.stderr.write(`${program.name}: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 2;
  }
}

function readFlags({ flags }: Program, args: readonly string[]) {
  const text = { type: 'string' } as const;
  const seeds = Object.fromEntries(Object.keys(flags).map((name) => [name, text]));
  const { values } = parseArgs({
    args: [...args],
    options: { listen: text, db: text, help: { type: 'boolean' }, ...seeds },
  });
  return values as Readonly<Record<string, string | boolean | undefined>>;
}

const help = ({ name, listen, flags }: Program): string => `The ${name} service.

  --listen host:port   where it listens (${listen}; port 0 takes a free one)
  --db path            its SQLite database (${name}.db)
${Object.entries(flags)
  .map(([flag, { variable, help: text }]) => `  --${flag} ${text} (or ${variable})\n`)
  .join('')}
  PARTICIPANT_SIGNING_SECRET   whsec_…, several separated by spaces: only commands signed with one of them are taken
  PARTICIPANT_FAILPOINT        before-work, before-commit or after-commit, with @N: the process is killed there
`;
