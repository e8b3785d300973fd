import { type Import, importsOf, packageOf } from './imports.js';
import { isProduct, type Source } from './sources.js';

/** The coordinator's rooms, top to bottom. A room imports what stands below it. */
const descent = [
  'coordinator',
  'coordinator/http',
  'coordinator/engine',
  'coordinator/decide',
  'coordinator/store',
  'coordinator/queue',
  'coordinator/dispatch',
  'coordinator/observe',
];

/** Files that every room of the coordinator may import, and nothing of the coordinator below them. */
const leaves = ['coordinator/clock', 'coordinator/config', 'coordinator/faults'];

/** Shapes between rooms: types only, so a lower room may say what an upper one gives it. */
const seams = ['coordinator/store/store.ts', 'coordinator/queue/queue.ts', 'coordinator/dispatch/transport.ts'];

/** Where each of these packages may be imported; tests may import all. */
export const homes: Readonly<Record<string, readonly string[]>> = Object.freeze({
  express: ['coordinator/http', 'participants', 'examples'],
  knex: ['coordinator/store', 'sdk/resources', 'participants', 'examples'],
  sqlite3: ['coordinator/store', 'sdk/resources', 'participants', 'examples'],
  pg: ['coordinator/store', 'participants', 'examples'],
  bullmq: ['coordinator/queue', 'sdk/participant/pull'],
  ioredis: ['coordinator/queue', 'sdk/participant/pull'],
  'prom-client': ['coordinator/observe'],
  undici: ['coordinator/dispatch', 'sdk/client', 'participants', 'examples'],
});

/** Folders that stand at the top, beside the file of their name. */
const tops = ['coordinator/cli', 'coordinator/embed'];

/** The room that a file belongs to. `coordinator` and `sdk` are the entries at the top of those. */
export function roomOf(path: string): string {
  const [house = '', room = '', ...rest] = path.split('/');
  if (house !== 'coordinator' && house !== 'sdk' && house !== 'participants' && house !== 'examples') return house;
  const name = `${house}/${room.replace(/\.ts$/, '')}`;
  const isRoom = rest.length > 0 || leaves.includes(name) || name === 'coordinator/engine';
  return isRoom && !tops.includes(name) ? name : house;
}

/**
 * The test kit embeds a coordinator that it kills and starts again, with a time and a chance of its own: more than the public
 * entry gives, and all of it through this one file.
 */
const stage = { from: 'sdk/testing', file: 'coordinator/embed/stage.ts' };

const isIn = (path: string, place: string): boolean => path === `${place}.ts` || path.startsWith(`${place}/`);

/** Every import that goes where the rooms do not allow it, and every file in a room that nobody knows. */
export const misplacedImports = (sources: readonly Source[]): readonly string[] =>
  sources.filter(isProduct).flatMap((source) => {
    const room = roomOf(source.path);
    if (source.path.startsWith('coordinator/') && !descent.includes(room) && !leaves.includes(room)) {
      return [`${source.path}: coordinator has no room ${room}`];
    }
    return importsOf(source).flatMap((imported) => {
      const objection = objectionTo(source.path, imported);
      return objection === undefined ? [] : [`${source.path}:${imported.line} ${objection}`];
    });
  });

function objectionTo(path: string, imported: Import): string | undefined {
  const needed = packageOf(imported);
  if (needed !== undefined) {
    const allowed = homes[needed]?.some((home) => isIn(path, home)) ?? true;
    return allowed ? undefined : `${needed} is only for ${homes[needed]?.join(', ')}`;
  }
  if (imported.file === undefined) return undefined;
  return mayImport(path, imported, imported.file) ? undefined : `must not import ${imported.specifier}`;
}

function mayImport(path: string, imported: Import, file: string): boolean {
  const from = roomOf(path);
  const to = roomOf(file);
  if (to === 'test') return false;
  if (from === 'sdk/protocol') return to === from;
  if (from === 'coordinator/decide') return to === from || to === 'sdk/protocol' || onlyPlanted(imported);
  const [house] = from.split('/');
  // Empty in the package: no part of the coordinator.
  if (house === 'sdk')
    return (
      to === from ||
      (to.startsWith('sdk/') && to !== 'sdk') ||
      imported.specifier === '#faults' ||
      (from === stage.from && file === stage.file)
    );
  if (house === 'coordinator') return coordinatorMayImport(from, to, imported, file);
  return to === from || to === house || to.startsWith('sdk') || file === 'coordinator/index.ts';
}

/** The mind asks whether a protection is taken out; it must never be a place where a process is killed. */
const onlyPlanted = ({ specifier, clause }: Import): boolean =>
  specifier === '#faults' && /^\{\s*planted\s*,?\s*\}$/.test(clause);

function coordinatorMayImport(from: string, to: string, { typeOnly }: Import, file: string): boolean {
  if (to === from || to === 'sdk/protocol') return true;
  if (from === 'coordinator') return to.startsWith('coordinator/') || to.startsWith('sdk/');
  if (to === 'coordinator/config') return typeOnly;
  if (leaves.includes(to)) return true;
  if (typeOnly && seams.includes(file)) return true;
  return !leaves.includes(from) && descent.indexOf(to) > descent.indexOf(from);
}

/** Every package that is imported without being in package.json. */
export const undeclaredPackages = (sources: readonly Source[], declared: readonly string[]): readonly string[] =>
  sources.flatMap((source) =>
    importsOf(source).flatMap((imported) => {
      const needed = packageOf(imported);
      return needed === undefined || declared.includes(needed) ? [] : [`${source.path}:${imported.line} ${needed}`];
    }),
  );
