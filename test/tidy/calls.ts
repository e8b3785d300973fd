import { importsOf } from './imports.js';
import { codeOf } from './scan.js';
import { lineAt, type Source } from './sources.js';

/** What reaches for time, chance or the environment by itself, so that a simulator could not stand in for it. */
const banned = Object.freeze({
  'Date.now': /\bDate\s*\.\s*now\b/g,
  'new Date()': /\bnew\s+Date\s*(?:\(\s*\)|(?![\w\s(]))/g,
  'performance.now': /\bperformance\s*\.\s*now\b/g,
  'process.hrtime': /\bprocess\s*\.\s*hrtime\b/g,
  timers:
    /(?:(?<![\w$.])|\bglobalThis\s*\.\s*)(?:setTimeout|setInterval|setImmediate)\b|\bAbortSignal\s*\.\s*timeout\b/g,
  'Math.random': /\bMath\s*\.\s*random\b/g,
  'random ids': /\b(?:randomUUID|randomBytes|randomInt|getRandomValues)\b/g,
  'process.env': /\bprocess\s*(?:\.\s*env\b|\[)/g,
});

/** The same by another door. */
const bannedModules = ['node:process', 'node:timers', 'node:timers/promises', 'node:perf_hooks'];

export type Banned = keyof typeof banned;

interface Seam {
  /** A file, or a folder with `/` at its end. */
  readonly path: string;
  readonly allows: readonly Banned[];
  readonly because: string;
}

const allTime: readonly Banned[] = ['Date.now', 'new Date()', 'performance.now', 'process.hrtime', 'timers'];

/** The only places in coordinator and sdk that may. */
export const callSeams: readonly Seam[] = Object.freeze([
  {
    path: 'coordinator/clock.ts',
    allows: [...allTime, 'Math.random', 'random ids'],
    because: 'it is the clock and the chance that everybody else is given',
  },
  {
    path: 'coordinator/main.ts',
    allows: [...allTime, 'Math.random', 'random ids'],
    because: 'it constructs the parts and bounds how long stopping takes',
  },
  {
    path: 'coordinator/store/time.ts',
    allows: ['Date.now', 'performance.now'],
    because: 'a store without a clock of its own (SQLite, memory) begins its clock here; tests bring their own',
  },
  { path: 'coordinator/config.ts', allows: ['process.env'], because: 'the environment is read in one file' },
  {
    path: 'sdk/client/environment.ts',
    allows: ['Date.now', 'performance.now', 'timers', 'random ids', 'process.env'],
    because: "the client's own seam: its address and key, the ids it draws, how long it waits",
  },
  {
    path: 'sdk/participant/clock.ts',
    allows: ['Date.now', 'performance.now', 'timers'],
    because: 'it is the clock that everything in a host is given',
  },
  {
    path: 'coordinator/cli.ts',
    allows: [...allTime, 'process.env'],
    because: 'it is a program of its own: it waits for answers and knows whether it writes to a terminal',
  },
  {
    path: 'sdk/testing/time.ts',
    allows: ['performance.now', 'timers'],
    because: 'it makes time that takes none: it waits for real work to end, and says how long an exploration took',
  },
  {
    path: 'coordinator/faults/armed.ts',
    allows: ['process.env'],
    because: 'tests arm child processes through it; it is not in the published package',
  },
]);

const guarded = (path: string): boolean => path.startsWith('coordinator/') || path.startsWith('sdk/');

/** Every banned call outside its seam. Participants and examples are applications and may use time. */
export const bannedCalls = (sources: readonly Source[]): readonly string[] =>
  sources
    .filter(({ path }) => guarded(path))
    .flatMap((source) => [...bannedIn(source, codeOf(source.text)), ...bannedDoors(source)]);

const bannedDoors = (source: Source): readonly string[] =>
  importsOf(source)
    .filter(({ specifier }) => bannedModules.includes(specifier))
    .map(({ specifier, line }) => `${source.path}:${line} ${specifier}: use the global, where it is allowed`);

function bannedIn({ path, text }: Source, code: string): readonly string[] {
  const allowed = callSeams.filter((seam) => isAt(path, seam)).flatMap(({ allows }) => allows);
  return (Object.keys(banned) as Banned[])
    .filter((name) => !allowed.includes(name))
    .flatMap((name) =>
      [...code.matchAll(banned[name])].map(
        ({ index }) => `${path}:${lineAt(text, index)} ${name} is for ${seamsOf(name)}`,
      ),
    );
}

const isAt = (path: string, seam: Seam): boolean =>
  seam.path.endsWith('/') ? path.startsWith(seam.path) : path === seam.path;

const seamsOf = (name: Banned): string =>
  callSeams
    .filter(({ allows }) => allows.includes(name))
    .map(({ path }) => path)
    .join(', ') || 'nobody';

/** Every place where the mind waits for something. */
export const waitingInDecide = (sources: readonly Source[]): readonly string[] =>
  sources
    .filter(({ path }) => path.startsWith('coordinator/decide/'))
    .flatMap(({ path, text }) =>
      [...codeOf(text).matchAll(/\b(?:await|async|Promise)\b/g)].map(
        (match) => `${path}:${lineAt(text, match.index)} ${match[0]}: deciding waits for nothing`,
      ),
    );
