/** `npm run bench -- --load`: what the coordinator bears. Each scenario has processes and files of its own. */
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { machine } from '../bench/machine.js';
import { show, table } from '../bench/numbers.js';
import { killAll } from '../bench/processes.js';
import { dead } from './dead.js';
import type { Figure, Run, Scenario } from './figure.js';
import { full } from './full.js';
import { overload } from './overload.js';
import { steady } from './steady.js';
import { watched } from './watched.js';

const scenarios: Readonly<Record<string, Scenario>> = Object.freeze({ overload, watched, full, dead, steady });

const help = `npm run bench -- --load [options]

What the coordinator bears, each against processes and a file of its own:

  overload   offered twice its capacity
  watched    20 watchers of the stream of all changes
  full       a million finished transactions in its store
  dead       100,000 open transactions on a dead participant, a restart, and its return
  steady     load for some minutes: memory, handles and latency

  --only LIST        scenarios, separated by commas                     (all)
  --scale N          a share of what was asked for, for a rehearsal     (1)
  --minutes N        of steady                                          (30)
  --dir PATH         where the stores are made and removed              (the system's temporary folder)
  --coordinator PATH the cli.js to measure                              (this build's)
  --json             one JSON document on standard output`;

export async function load(args: readonly string[]): Promise<number> {
  process.once('exit', killAll);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  const { values } = parseArgs({
    args: [...args],
    options: {
      load: { type: 'boolean' },
      help: { type: 'boolean' },
      json: { type: 'boolean' },
      only: { type: 'string', default: Object.keys(scenarios).join(',') },
      scale: { type: 'string', default: '1' },
      minutes: { type: 'string', default: '30' },
      dir: { type: 'string', default: tmpdir() },
      coordinator: { type: 'string', default: fileURLToPath(new URL('../../coordinator/cli.js', import.meta.url)) },
    },
  });
  if (values.help) {
    console.log(help);
    return 0;
  }
  const { dir, coordinator } = values;
  const run: Run = {
    dir,
    coordinator,
    scale: Number(values.scale),
    minutes: Number(values.minutes),
    progress: (line) => console.error(line),
  };
  const found: Record<string, readonly Figure[]> = {};
  for (const name of values.only.split(',')) {
    const scenario = scenarios[name];
    if (!scenario) throw new Error(`--only: expected some of ${Object.keys(scenarios).join(', ')}, got ${name}`);
    console.error(`== ${name}`);
    found[name] = await scenario(run);
  }
  const whole = { machine: machine(dir), scale: run.scale, scenarios: found };
  console.log(values.json ? JSON.stringify(whole, null, 2) : text(found));
  return 0;
}

const text = (found: Readonly<Record<string, readonly Figure[]>>): string =>
  table(
    ['figure', 'asked', 'measured', 'met'],
    Object.entries(found).flatMap(([name, figures]) =>
      figures.map(({ what, asked, measured, met }) => [
        `${name}: ${what}`,
        asked,
        show(measured),
        asked === '' ? '' : met ? 'yes' : 'NO',
      ]),
    ),
  );
