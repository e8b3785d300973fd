import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** One file of the repository; the path is relative to its root, with `/`. */
export interface Source {
  readonly path: string;
  readonly text: string;
}

/** The repository's root, from `dist/test/tidy`. */
export const root = fileURLToPath(new URL('../../../', import.meta.url));

/** Every file that is or would be committed. Without git: what is there, less what is never committed. */
export function listFiles(): readonly string[] {
  try {
    const out = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const deleted = new Set(
      execFileSync('git', ['ls-files', '-z', '--deleted'], { cwd: root, encoding: 'utf8' }).split('\0'),
    );
    return out.split('\0').filter((path) => path !== '' && !deleted.has(path));
  } catch {
    return walk('');
  }
}

const never = new Set(['node_modules', 'dist', '.git']);

function walk(folder: string): string[] {
  return readdirSync(root + folder, { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (never.has(path)) return [];
    return entry.isDirectory() ? walk(path) : [path];
  });
}

/** Every TypeScript file of the repository with its text. */
export const readSources = (): readonly Source[] =>
  listFiles()
    .filter((path) => path.endsWith('.ts'))
    .map((path) => ({ path, text: readFileSync(root + path, 'utf8') }));

/** What ships or runs for users, as opposed to what proves it. */
export const isProduct = ({ path }: Pick<Source, 'path'>): boolean => !path.startsWith('test/');

/** Line number, from 1, of an offset. */
export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) line++;
  return line;
}
