import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import test from 'ava';
import { root } from '../tidy/sources.js';

const manifest = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));

/** The files of the package as npm would publish it now. */
function packed(): readonly string[] {
  const args = ['pack', '--dry-run', '--json', '--ignore-scripts', '--offline'];
  const answer: unknown = JSON.parse(
    execFileSync('npm', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
  );
  // An array of packages; newer npm versions answer an object by package name.
  const [only] = Object.values(answer as Record<string, { files: { path: string }[] }>);
  return only?.files.map(({ path }) => path) ?? [];
}

test('the published package holds sdk and coordinator, and nothing that only tests may do', (t) => {
  const files = packed();
  t.true(files.includes('dist/sdk/protocol/errors.js'));
  t.true(files.includes('dist/coordinator/faults/none.js'));
  t.deepEqual(
    files.filter((path) => !/^(?:dist\/(?:sdk|coordinator)\/|package\.json$|README\.md$|LICENSE$)/.test(path)),
    [],
  );
  t.deepEqual(
    files.filter((path) => /armed\.|\.test\.|tsbuildinfo/.test(path)),
    [],
  );
});

test('every version is exact', (t) => {
  const { dependencies, devDependencies, optionalDependencies } = manifest;
  const versions = Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies });
  t.true(versions.length > 5);
  t.deepEqual(
    versions.filter(([, version]) => !/^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(String(version))),
    [],
  );
});

interface Locked {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** What a lock file does not say though something in it needs it: then `npm ci` refuses the whole file. */
function unlocked(packages: Readonly<Record<string, Locked>>): readonly string[] {
  const names = new Set(Object.keys(packages).map((path) => path.replace(/^.*node_modules\//, '')));
  return Object.values(packages)
    .flatMap(({ dependencies, optionalDependencies }) => Object.keys({ ...dependencies, ...optionalDependencies }))
    .filter((name) => !names.has(name));
}

test('the lock file names the packages of every platform', (t) => {
  const { packages } = JSON.parse(readFileSync(`${root}package-lock.json`, 'utf8'));
  t.deepEqual(unlocked(packages), []);
  t.deepEqual(unlocked({ 'node_modules/a': { optionalDependencies: { 'a-darwin': '1.0.0' } } }), ['a-darwin']);
});

/** Imports something in a process of its own; answers every module that this loads, of both module systems. */
function loadedBy(specifier: string): readonly string[] {
  const hooks = `export async function load(url, context, next) {
    process._rawDebug('loaded ' + url);
    return next(url, context);
  }`;
  const program = `
    import { createRequire, register } from 'node:module';
    register('data:text/javascript,' + ${JSON.stringify(encodeURIComponent(hooks))});
    await import(${JSON.stringify(specifier)});
    for (const path of Object.keys(createRequire(import.meta.url).cache)) process._rawDebug('loaded ' + path);`;
  const args = ['--input-type=module', '--eval', program];
  const { status, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return [...stderr.matchAll(/^loaded (.+)$/gm)].map((match) => match[1] ?? '');
}

/** `faults/none.js` is two empty functions, which both have in common. */
const ofTheCoordinator =
  /\/dist\/coordinator\/(?!faults\/none\.js)|\/node_modules\/(?:knex|sqlite3|express|bullmq|ioredis)\//;

test('importing concordat loads neither the coordinator nor a database driver', (t) => {
  const loaded = loadedBy('concordat');
  t.true(loaded.some((module) => module.endsWith('/dist/sdk/index.js')));
  t.deepEqual(
    loaded.filter((module) => ofTheCoordinator.test(module)),
    [],
  );
});

test('that a driver is loaded would be seen', (t) => {
  t.true(loadedBy('knex').some((module) => ofTheCoordinator.test(module)));
  t.true(loadedBy('express').some((module) => ofTheCoordinator.test(module)));
});

test('faults are armed only under their condition', (t) => {
  t.true(loadedBy('#faults').some((module) => module.endsWith('/dist/coordinator/faults/none.js')));
  t.false(loadedBy('#faults').some((module) => module.endsWith('/dist/coordinator/faults/armed.js')));
});
