/** Reads what c8 measured and names every branch and function that no test takes. Ends with 1 where there is one. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

interface Place {
  readonly start: { readonly line: number; readonly column: number };
  readonly end: { readonly line: number; readonly column: number };
}

interface Covered {
  readonly branchMap: Readonly<Record<string, { readonly locations: readonly Place[] }>>;
  readonly b: Readonly<Record<string, readonly number[]>>;
  readonly fnMap: Readonly<Record<string, { readonly loc: Place }>>;
  readonly f: Readonly<Record<string, number>>;
}

/** V8 counts the way out of a loop without an end, and that out of a `try` that always returns: there is no code in them, nor in what does nothing. */
const holdsCode = (text: string): boolean => !/^\s*(?:(?:finally\s*\{?)?\s*\}?|\(\) => undefined)\s*$/.test(text);

function textOf(lines: readonly string[], { start, end }: Place): string {
  const [first = '', ...rest] = lines.slice(start.line - 1, end.line);
  if (rest.length === 0) return first.slice(start.column, end.column);
  return [first.slice(start.column), ...rest.slice(0, -1), rest.at(-1)?.slice(0, end.column)].join('\n');
}

async function missedIn(
  file: string,
  { branchMap, b, fnMap, f }: Covered,
): Promise<{ count: number; missed: readonly string[] }> {
  const lines = (await readFile(file, 'utf8')).split('\n');
  const branches = Object.entries(b).flatMap(([id, counts]) =>
    counts.map((count, index) => ({ count, place: branchMap[id]?.locations[index] as Place })),
  );
  const functions = Object.entries(f).map(([id, count]) => ({ count, place: fnMap[id]?.loc as Place }));
  const missed = [...branches, ...functions].flatMap(({ count, place }) => {
    const text = textOf(lines, place);
    return count === 0 && holdsCode(text)
      ? [`${path.relative('.', file)}:${place.start.line} ${text.slice(0, 100)}`]
      : [];
  });
  return { count: branches.length + functions.length, missed };
}

/** Every file of a room, as c8 was told: a file, or all below a folder. */
async function filesOf(place: string): Promise<readonly string[]> {
  if (!place.endsWith('/**')) return [place];
  const folder = place.slice(0, -3);
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  return found.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
}

/** Files without code, of types alone, are never loaded. */
const isLoadable = async (file: string): Promise<boolean> =>
  !/^\s*export \{\};\s*(?:\/\/#.*)?\s*$/.test(
    withoutComments(await readFile(`dist/${file.replace(/\.ts$/, '.js')}`, 'utf8')),
  );

const withoutComments = (text: string): string => text.replace(/\/\*[\s\S]*?\*\//g, '');

const { include } = JSON.parse(await readFile('test/mutation/c8.json', 'utf8')) as {
  readonly include: readonly string[];
};
const report = JSON.parse(await readFile('coverage/coverage-final.json', 'utf8')) as Readonly<Record<string, Covered>>;
let branches = 0;
const missed: string[] = [];
for (const file of (await Promise.all(include.map(filesOf))).flat())
  if (!(path.resolve(file) in report) && (await isLoadable(file))) missed.push(`${file}: not even loaded`);
for (const [file, covered] of Object.entries(report)) {
  const each = await missedIn(file, covered);
  branches += each.count;
  missed.push(...each.missed);
}
console.log(`${branches - missed.length} of ${branches} branches and functions in ${Object.keys(report).length} files`);
for (const each of missed) console.error(`no test takes ${each}`);
process.exitCode = missed.length > 0 || branches === 0 ? 1 : 0;
