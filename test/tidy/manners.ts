import { codeOf } from './scan.js';
import { isProduct, lineAt, type Source } from './sources.js';

/** Looked for in code, with comments and strings blanked. */
const inCode: Readonly<Record<string, RegExp>> = Object.freeze({
  any: /(?<![.\w$])any\b(?!\s*[:(])/g,
  'a non-null !': /(?<=[\w$)\]}])!(?=\s*[.;,)\]}[:(]|\s+(?:as|satisfies)\b|\s*$|\s+[-+*/<>?&|=])(?!==?)/gm,
  'an empty catch': /\bcatch\s*(?:\([^)]*\))?\s*\{\s*\}|\.catch\(\s*\([^)]*\)\s*=>\s*\{\s*\}\s*\)/g,
});

/** Looked for in the whole text: these are comments. */
const inText: Readonly<Record<string, RegExp>> = Object.freeze({
  'a muted checker': /@ts-(?:ignore|expect-error|nocheck)|\bbiome-ignore/g,
});

const vagueNames = /(?:^|[/._-])(?:utils?|helpers?|common|misc)(?=[/._-])/;

/** What makes a page of product code lie or hide something. */
export const badManners = (sources: readonly Source[]): readonly string[] =>
  sources.filter(isProduct).flatMap((source) => {
    const code = codeOf(source.text);
    return [...hits(source, inCode, code), ...hits(source, inText, source.text)];
  });

const hits = ({ path, text }: Source, patterns: Readonly<Record<string, RegExp>>, where: string): string[] =>
  Object.entries(patterns).flatMap(([name, pattern]) =>
    [...where.matchAll(pattern)].map(({ index }) => `${path}:${lineAt(text, index)} ${name}`),
  );

/** Files and folders of product code whose name says nothing of what is in them. */
export const vagueFiles = (sources: readonly Pick<Source, 'path'>[]): readonly string[] =>
  sources
    .filter(isProduct)
    .filter(({ path }) => vagueNames.test(path))
    .map(({ path }) => `${path}: a name from the glossary, please`);
