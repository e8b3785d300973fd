import { codeOf } from './scan.js';
import { lineAt, type Source } from './sources.js';

export const fileLinesMax = 400;
export const functionLinesMax = 70;

/** Lines of a text; a closing line break does not begin another. */
export const linesOf = (text: string): number => text.replace(/\n$/, '').split('\n').length;

/** The middle of some numbers; 0 of none. */
export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

export const longFiles = (sources: readonly Source[]): readonly string[] =>
  sources
    .map(({ path, text }) => ({ path, lines: linesOf(text) }))
    .filter(({ lines }) => lines > fileLinesMax)
    .map(({ path, lines }) => `${path}: ${lines} lines, at most ${fileLinesMax}`);

export const longFunctions = (sources: readonly Source[]): readonly string[] =>
  sources.flatMap(({ path, text }) =>
    functionsOf(text)
      .filter(({ lines }) => lines > functionLinesMax)
      .map(({ line, lines }) => `${path}:${line} a function of ${lines} lines, at most ${functionLinesMax}`),
  );

interface Body {
  readonly line: number;
  readonly lines: number;
}

interface Open {
  readonly at: number;
  readonly isFunction: boolean;
  readonly isTest: boolean;
  /** Lines of the tests inside: a suite that declares many is no long function. */
  tests: number;
}

/** Every function with a body in braces, from its `{` to its `}`, less the tests that it declares. */
export function functionsOf(text: string): readonly Body[] {
  const code = codeOf(text);
  const found: Body[] = [];
  const open: Open[] = [];
  for (let at = 0; at < code.length; at++) {
    const char = code[at] ?? '';
    if (char === '{' || char === '(' || char === '[') {
      const before = char === '{' ? code.slice(Math.max(0, at - 4000), at) : '';
      open.push({ at, isFunction: beginsFunction(before), isTest: beginsTest.test(before), tests: 0 });
    } else if (char === '}' || char === ')' || char === ']') {
      const closed = open.pop();
      if (closed === undefined) continue;
      const line = lineAt(text, closed.at);
      const lines = lineAt(text, at) - line + 1;
      const parent = open.at(-1);
      if (parent) parent.tests += closed.isTest ? lines : closed.tests;
      if (closed.isFunction) found.push({ line, lines: lines - closed.tests });
    }
  }
  return found;
}

const beginsTest = /\btest(?:\.\w+)*\((?:[^;()]|\([^;()]*\))*,\s*(?:async\s*)?\([^()]*\)\s*=>\s*$/;

const controls = new Set(['if', 'for', 'while', 'switch', 'catch', 'with', 'await']);

/** Whether a `{` after this code begins a function's body. */
function beginsFunction(before: string): boolean {
  const head = before.trimEnd();
  if (head === '') return false;
  if (head.endsWith('=>')) return true;
  if (/[<,|&:([=]$/.test(head)) return false;
  const params = head.endsWith(')') ? head.length - 1 : paramsBeforeReturnType(head);
  if (params === undefined) return false;
  const opened = partnerOf(head, params);
  const word = /([\w$]+)\s*(?:<[^()]*>)?\s*$/.exec(head.slice(0, opened))?.[1];
  return word === undefined || !controls.has(word);
}

/** Words that begin another statement or block than a function, when they stand after what looks like a return type. */
const otherHeads =
  /\b(?:class|interface|enum|namespace|const|let|var|function|export|return|static|try|else|do|finally)\b/;

/** Where the `)` is that a return type follows: `): Promise<{ a: number }> ⟨here⟩`. */
function paramsBeforeReturnType(head: string): number | undefined {
  for (let at = head.length - 1; at >= 0; at--) {
    const char = head[at] ?? '';
    if (char === '}' || char === ']') at = partnerOf(head, at);
    else if (char === ')' && /^\)\s*:\s*\S/.test(head.slice(at)))
      return otherHeads.test(head.slice(at)) ? undefined : at;
    else if (char === ')') at = partnerOf(head, at);
    else if (/[;{([=?]/.test(char) && head[at + 1] !== '>') return undefined;
  }
  return undefined;
}

/** Where the bracket that closes at `closed` was opened; 0 when it was not. */
function partnerOf(code: string, closed: number): number {
  let depth = 0;
  for (let at = closed; at >= 0; at--) {
    if (/[)}\]]/.test(code[at] ?? '')) depth++;
    else if (/[({[]/.test(code[at] ?? '') && --depth === 0) return at;
  }
  return 0;
}
