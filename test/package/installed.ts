/** The package as npm would publish it now, in a folder as npm would install it: what users have, not what the tree has. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { root } from '../tidy/sources.js';

/** Beside what the package depends on, a user of TypeScript has these. */
const ofTheUser = ['typescript', '@typescript', '@types/node', 'undici-types'];

let folder: string | undefined;

/** A folder whose `node_modules` holds the package and what it depends on, and nothing else. Made once, then kept. */
export function installed(): string {
  folder ??= install();
  return folder;
}

function install(): string {
  const directory = mkdtempSync(path.join(realpathSync(tmpdir()), 'concordat-package-'));
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
  const modules = path.join(directory, 'node_modules');
  const own = path.join(modules, 'concordat');
  mkdirSync(own, { recursive: true });
  execFileSync('tar', ['-xzf', tarball(directory), '-C', own, '--strip-components=1']);
  // Linked and not installed: the files are those of the registry, and sqlite3 is compiled already.
  for (const name of new Set([...dependencies(), ...ofTheUser])) {
    mkdirSync(path.dirname(path.join(modules, name)), { recursive: true });
    symlinkSync(path.join(root, 'node_modules', name), path.join(modules, name));
  }
  return directory;
}

function tarball(directory: string): string {
  const args = ['pack', '--ignore-scripts', '--offline', '--silent', '--pack-destination', directory];
  const name = execFileSync('npm', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  return path.join(directory, name.trim());
}

/** What an installation without development packages holds, by the lock file. */
function dependencies(): readonly string[] {
  const { packages } = JSON.parse(readFileSync(`${root}package-lock.json`, 'utf8')) as {
    packages: Record<string, { readonly dev?: boolean; readonly devOptional?: boolean; readonly extraneous?: boolean }>;
  };
  return Object.entries(packages).flatMap(([where, { dev }]) => {
    const name = /^node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(where)?.[1];
    return name === undefined || dev ? [] : [name];
  });
}

export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface Project {
  readonly directory: string;
  /** Runs one of its files, with Node alone. */
  node(file: string): Promise<Ended>;
  /** Compiles it. Compiler errors are in `out`. */
  tsc(): Promise<Ended>;
}

/** An empty folder beside which the package is installed, with these files. Goes away with the process. */
export function project(files: Readonly<Record<string, string>>): Project {
  const directory = mkdtempSync(path.join(installed(), 'project-'));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(directory, name)), { recursive: true });
    writeFileSync(path.join(directory, name), text);
  }
  const compiler = path.join(installed(), 'node_modules', 'typescript', 'bin', 'tsc');
  return {
    directory,
    node: (file) => execute([file], directory),
    tsc: () => execute([compiler, '-p', '.'], directory),
  };
}

/** A tsconfig such as a user has. */
export const tsconfig = (options: Readonly<Record<string, unknown>> = {}): string =>
  JSON.stringify({
    compilerOptions: {
      module: 'nodenext',
      target: 'es2023',
      lib: ['es2023', 'esnext.disposable'],
      types: ['node'],
      strict: true,
      skipLibCheck: true,
      noEmitOnError: true,
      ...options,
    },
    include: ['**/*.ts', '**/*.cts', '**/*.mts'],
  });

export const asModule = JSON.stringify({ type: 'module', private: true });

const plainEnv = (): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(CONCORDAT_|NODE_OPTIONS$)/.test(name)));

const execute = (args: readonly string[], cwd: string): Promise<Ended> =>
  new Promise((resolve) => {
    execFile(
      process.execPath,
      [...args],
      { cwd, encoding: 'utf8', env: plainEnv(), timeout: 60_000 },
      (error, out, err) => resolve({ code: error ? (typeof error.code === 'number' ? error.code : 1) : 0, out, err }),
    );
  });
