/** A project of somebody else: a folder with sources, this package in its node_modules, and settings of its own. */
import { execFile } from 'node:child_process';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import { temporary } from '../helpers/temporary.js';
import { root } from '../tidy/sources.js';

/** Compiler options by the name of the mode. The last is what NestJS projects use. */
export const modes = {
  'standard decorators': {},
  experimentalDecorators: { experimentalDecorators: true },
  'experimentalDecorators, emitDecoratorMetadata and isolatedModules': {
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
    isolatedModules: true,
  },
} as const;

export interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Project {
  readonly directory: string;
  /** Compiles every source; what the compiler says. */
  compile(): Promise<Ran>;
  /** Runs one compiled file, or any other, with Node. */
  run(file: string, env?: Readonly<Record<string, string>>): Promise<Ran>;
}

export async function makeProject(
  t: ExecutionContext,
  sources: Readonly<Record<string, string>>,
  compilerOptions: object = {},
  type: 'module' | 'commonjs' = 'module',
): Promise<Project> {
  const directory = await temporary(t);
  const modules = path.join(directory, 'node_modules');
  await mkdir(modules);
  await symlink(root, path.join(modules, 'concordat'));
  for (const name of ['knex', '@types']) await symlink(path.join(root, 'node_modules', name), path.join(modules, name));
  const settings = {
    compilerOptions: {
      module: 'nodenext',
      target: 'es2022',
      strict: true,
      types: ['node'],
      rootDir: '.',
      outDir: 'out',
      ...compilerOptions,
    },
    files: Object.keys(sources).filter((name) => name.endsWith('ts')),
  };
  const files = { 'package.json': { type }, 'tsconfig.json': settings };
  for (const [name, value] of Object.entries(files))
    await writeFile(path.join(directory, name), JSON.stringify(value, null, 2));
  for (const [name, text] of Object.entries(sources)) await writeFile(path.join(directory, name), text);
  const node = (args: readonly string[], env = {}): Promise<Ran> =>
    new Promise((resolve) => {
      const options = { cwd: directory, env: { ...process.env, NODE_OPTIONS: '', ...env } };
      execFile(process.execPath, args, options, (error, stdout, stderr) =>
        resolve({ status: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr }),
      );
    });
  return {
    directory,
    compile: () => node([path.join(root, 'node_modules/typescript/bin/tsc'), '-p', '.', '--pretty', 'false']),
    run: (file, env) => node([file], env),
  };
}

/** Lines of a source that end in `// wrong`. */
export const linesMeantWrong = (source: string): readonly number[] =>
  source.split('\n').flatMap((line, index) => (line.endsWith('// wrong') ? [index + 1] : []));

/** Lines of a file that the compiler objects to. */
export const linesFoundWrong = (file: string, { stdout }: Ran): readonly number[] => {
  const found = [...stdout.matchAll(/^(\S+)\((\d+),\d+\): error/gm)].filter(([, name]) => name === file);
  return [...new Set(found.map(([, , line]) => Number(line)))].sort((a, b) => a - b);
};
