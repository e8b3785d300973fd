/**
 * A small scanner of TypeScript text: enough to tell code from comments, strings, template texts and regular
 * expressions. TypeScript 7 has no compiler API to ask.
 */

/**
 * The text with the insides of comments, strings, template texts and regular expressions blanked. Every other
 * character, the quotes and the line breaks stay where they are, so that offsets mean the same in both.
 */
export function codeOf(text: string): string {
  let code = '';
  let at = 0;
  let depth = 0;
  /** Depth of braces at which each open template goes on as text. */
  const templates: number[] = [];
  while (at < text.length) {
    const char = text[at] ?? '';
    const inTemplate = char === '`' || (char === '}' && templates.at(-1) === depth);
    if (char === '}' && inTemplate) templates.pop();
    const end = inTemplate ? templateEnd(text, at + 1) : endOfStretch(text, at, code);
    if (end === at) {
      depth += char === '{' ? 1 : char === '}' ? -1 : 0;
      code += char;
      at++;
      continue;
    }
    const stretch = text.slice(at, end);
    code +=
      isComment(stretch) && !inTemplate ? blank(stretch) : stretch[0] + blank(stretch.slice(1, -1)) + last(stretch);
    if (inTemplate && stretch.endsWith('{')) templates.push(depth);
    at = end;
  }
  return code;
}

const blank = (text: string): string => text.replace(/[^\n]/g, ' ');
const last = (text: string): string => (text.length > 1 ? (text.at(-1) ?? '') : '');
const isComment = (text: string): boolean => text.startsWith('//') || text.startsWith('/*');

/** Where the comment, string or regular expression that begins at `at` ends; `at` itself when none begins there. */
function endOfStretch(text: string, at: number, code: string): number {
  const char = text[at];
  if (char === "'" || char === '"') return stringEnd(text, at);
  if (char !== '/') return at;
  if (text[at + 1] === '/') return orEnd(text, text.indexOf('\n', at));
  if (text[at + 1] === '*') return orEnd(text, text.indexOf('*/', at + 2) + 2, 2);
  return regexMayBegin(code) ? regexEnd(text, at) : at;
}

const orEnd = (text: string, end: number, missing = 0): number => (end < missing ? text.length : end);

function stringEnd(text: string, from: number): number {
  const quote = text[from];
  for (let at = from + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === quote || text[at] === '\n') return at + 1;
  }
  return text.length;
}

/** After the backquote that closes it, or after the `${` that interrupts it. */
function templateEnd(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '`') return at + 1;
    else if (text[at] === '$' && text[at + 1] === '{') return at + 2;
  }
  return text.length;
}

const wordsBeforeRegex = /(?:^|[^\w$.])(?:return|typeof|case|in|of|delete|void|throw|new|await|yield|else|do)$/;

/** Whether a `/` after this code begins a regular expression; else it divides. */
function regexMayBegin(code: string): boolean {
  const before = code.slice(-2000).trimEnd();
  return before === '' || !/[\w$)\]}'"`]$/.test(before) || wordsBeforeRegex.test(before);
}

function regexEnd(text: string, from: number): number {
  let inClass = false;
  for (let at = from + 1; at < text.length; at++) {
    const char = text[at];
    if (char === '\n') return from;
    if (char === '\\') at++;
    else if (char === '[') inClass = true;
    else if (char === ']') inClass = false;
    else if (char === '/' && !inClass) return at + 1;
  }
  return from;
}
