/** What the top level of the repository holds, besides dotfiles. */
const topLevel = new Set([
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'coordinator',
  'participants',
  'sdk',
  'examples',
  'test',
  'docs',
  'README.md',
  'CHANGELOG.md',
  'LICENSE',
]);

/** Entries of the top level that nobody expects there. */
export const strayAtTop = (paths: readonly string[]): readonly string[] =>
  [...new Set(paths.map((path) => path.split('/')[0] ?? ''))].filter(
    (entry) => !topLevel.has(entry) && !entry.startsWith('.'),
  );
