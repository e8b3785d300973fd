import { posix } from 'node:path';
import { codeOf } from './scan.js';
import { lineAt, type Source } from './sources.js';

/** One import, export-from, dynamic import or import type. */
export interface Import {
  /** As it is written. */
  readonly specifier: string;
  /** The file of ours that it means; undefined for a package and for what Node brings. */
  readonly file: string | undefined;
  readonly line: number;
  /** Gone once compiled: `import type`, `export type`. */
  readonly typeOnly: boolean;
  /** What stands between `import` and `from`. */
  readonly clause: string;
}

const forms = [
  // import x from '…', import type { x } from '…', export { x } from '…', export * from '…'
  /\b(?:import|export)\s+(type\s+)?([\w$*,{}\s]+?)\s*from\s*(['"])/g,
  // import '…'
  /\bimport()\s*()(['"])/g,
  // import('…'), also as a type
  /\bimport()\s*\(()\s*(['"`])/g,
];

/** Every import of a file, in the order of the forms above. */
export function importsOf(source: Source): readonly Import[] {
  const code = codeOf(source.text);
  return forms.flatMap((form) =>
    [...code.matchAll(form)].map((match) => {
      const from = match.index + match[0].length;
      const specifier = source.text.slice(from, code.indexOf(match[3] ?? "'", from));
      return {
        specifier,
        file: fileOf(source.path, specifier),
        line: lineAt(source.text, match.index),
        typeOnly: Boolean(match[1]),
        clause: match[2] ?? '',
      };
    }),
  );
}

/** Our own names, as `imports` and `exports` of package.json resolve them. */
const ownNames: Readonly<Record<string, string>> = Object.freeze({
  '#faults': 'coordinator/faults/none.ts',
  concordat: 'sdk/index.ts',
  'concordat/coordinator': 'coordinator/index.ts',
});

function fileOf(importer: string, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) return ownNames[specifier];
  return posix.join(posix.dirname(importer), specifier).replace(/\.js$/, '.ts');
}

/** The package that an import needs; undefined for files of ours and for what Node brings. */
export function packageOf({ specifier, file }: Import): string | undefined {
  if (file !== undefined || specifier.startsWith('.') || specifier.startsWith('node:')) return undefined;
  const parts = specifier.split('/');
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : parts[0];
}
