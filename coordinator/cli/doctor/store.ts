import { access, constants, open, rm, statfs } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import type { Chance, Clock } from '../../clock.js';
import type { StoreFacts } from '../../store/facts.js';
import { livingOn } from '../store-path.js';
import { counted, size, span } from '../times.js';
import { causeOf, type Finding, ok, problem, warning } from './finding.js';

export interface StoreLook {
  readonly path: string;
  /** Reads all of the file to see whether it is damaged. */
  readonly integrity: boolean;
  /** Whether there is a retention. */
  readonly isPurged: boolean;
  readonly clock: Clock;
  readonly chance: Chance;
}

const freeBytes = { problem: 100 * 1024 ** 2, warning: 1024 ** 3 };
const walBytesMax = 256 * 1024 ** 2;
const fsyncMsMax = 20;
const oldMs = 24 * 3600 * 1000;
const finishedMax = 5_000_000;

/** Looks at the file without changing it, and at the disk below it. `facts` is undefined where it cannot be read. */
export async function lookAtStore(
  look: StoreLook,
): Promise<{ readonly findings: readonly Finding[]; readonly facts: StoreFacts | undefined }> {
  const { path } = look;
  const disk = await lookAtDisk(look);
  const { factsOfFile } = await import('../../store/sqlite/inspect.js');
  try {
    const facts = await factsOfFile(path);
    if (!facts) {
      const none = warning(
        'store',
        `there is no store at ${path}`,
        'start "concordat serve", which makes it, or name the one you mean with --store sqlite:PATH',
      );
      return { findings: [...disk, none], facts };
    }
    return {
      findings: [...disk, ...judged(look, facts), ...(look.integrity ? [await lookForDamage(path)] : [])],
      facts,
    };
  } catch (error) {
    return {
      findings: [
        ...disk,
        problem(
          'store',
          (error as Error).message,
          'nothing of it was changed; a back-up that "concordat doctor" finds fit can take its place',
        ),
      ],
      facts: undefined,
    };
  }
}

async function lookAtDisk({ path, clock, chance }: StoreLook): Promise<readonly Finding[]> {
  const directory = dirname(path);
  try {
    await access(directory, constants.W_OK | constants.X_OK);
    const { bavail, bsize } = await statfs(directory);
    return [freeOf(bavail * bsize, directory), await timeFsync(directory, clock, chance)];
  } catch (error) {
    return [
      problem(
        'store',
        `${directory} cannot be written to: ${causeOf(error)}`,
        `make it, and let the user of the coordinator write there`,
      ),
    ];
  }
}

function freeOf(free: number, directory: string): Finding {
  const text = `${size(free)} free in ${directory}`;
  const mend =
    'make room: "concordat purge --finished-before 30d", then a VACUUM with the coordinator stopped gives it back to the disk';
  if (free < freeBytes.problem) return problem('store', text, mend);
  return free < freeBytes.warning ? warning('store', text, mend) : ok('store', text);
}

/** What each commit waits for. The file is its own, and gone afterwards. */
async function timeFsync(directory: string, clock: Clock, chance: Chance): Promise<Finding> {
  const path = join(directory, `.concordat-doctor-${chance.id()}`);
  const file = await open(path, 'wx');
  const times: number[] = [];
  try {
    for (let i = 0; i < 5; i++) {
      await file.write(Buffer.alloc(4096));
      const begunAt = clock.monotonic();
      await file.datasync();
      times.push(clock.monotonic() - begunAt);
    }
  } finally {
    await file.close();
    await rm(path, { force: true });
  }
  const ms = times.sort((a, b) => a - b)[2] ?? 0;
  const text = `a write reaches the disk in ${ms.toFixed(1)} ms`;
  return ms <= fsyncMsMax
    ? ok('store', text)
    : warning('store', text, 'every commit waits for that: put the store on a faster local disk');
}

/** What is to be said of any store. `path`: where it is, for people. */
export function judged(
  { path, clock, isPurged }: Pick<StoreLook, 'path' | 'clock' | 'isPurged'>,
  facts: StoreFacts,
): readonly Finding[] {
  const { counts, version, known, pending, bytes, walBytes, tombstones } = facts;
  const now = clock.now();
  const living = livingOn(facts, hostname(), now);
  const finished = (counts.committed ?? 0) + (counts.rolled_back ?? 0) + (counts.resolved ?? 0);
  const holds = `${counted(finished, 'finished transaction')}, ${counted(tombstones, 'tombstone')}`;
  return [
    ok(
      'store',
      `${path}: ${size(bytes + walBytes)}, ${holds}; ${living.length === 0 ? 'no coordinator runs on it' : `process ${living.map(({ pid }) => pid).join(', ')} runs on it`}`,
    ),
    pending.length === 0
      ? ok('store', `schema ${version}`)
      : problem(
          'store',
          `schema ${version}, this version needs ${known}`,
          'run "concordat migrate"; "concordat serve" does so too when it starts',
        ),
    ...(walBytes > walBytesMax
      ? [
          warning(
            'store',
            `its write-ahead log has grown to ${size(walBytes)}`,
            'some process holds an old snapshot of it: see who has the file open (lsof), and end long reads',
          ),
        ]
      : []),
    ...(finished > finishedMax && !isPurged
      ? [
          warning(
            'store',
            `${finished} finished transactions are kept, for ever`,
            'set CONCORDAT_RETENTION_MS, or run "concordat purge --finished-before 30d" now and then',
          ),
        ]
      : []),
    ...transactionsIn(facts, now),
  ];
}

/** What needs a person, or has gone on for long. */
function transactionsIn({ counts, oldestUnfinished }: StoreFacts, now: number): readonly Finding[] {
  const parked = counts.parked ?? 0;
  const unfinished = parked + (counts.active ?? 0) + (counts.committing ?? 0) + (counts.rolling_back ?? 0);
  const ageMs = oldestUnfinished === null ? 0 : now - oldestUnfinished;
  return [...parkedOf(parked), ...oldOf(unfinished, ageMs)];
}

export const parkedOf = (count: number, more = ''): readonly Finding[] =>
  count === 0
    ? [ok('transactions', 'none is parked')]
    : [
        warning(
          'transactions',
          `${count}${more} parked: each waits for a person`,
          '"concordat tx list --status parked", then "concordat explain XID"',
        ),
      ];

export const oldOf = (count: number, ageMs: number): readonly Finding[] =>
  count === 0 || ageMs < oldMs
    ? [ok('transactions', count === 0 ? 'none is unfinished' : `${count} unfinished, the oldest for ${span(ageMs)}`)]
    : [
        warning(
          'transactions',
          `${count} unfinished, the oldest for ${span(ageMs)}`,
          '"concordat explain XID" of the last ones of "concordat tx list --status active" tells what they wait for',
        ),
      ];

async function lookForDamage(path: string): Promise<Finding> {
  const { damageOfFile } = await import('../../store/sqlite/inspect.js');
  const damage = await damageOfFile(path);
  if (damage.length === 0) return ok('store', 'no damage found in the file');
  return problem(
    'store',
    `the file is damaged: ${damage.join('; ')}`,
    'stop the coordinator, keep a copy of the file, and restore it from a back-up',
  );
}
