/**
 * The TypeScript in the pages, as files that a compiler can look at. A block is a file of its own. What it needs and does
 * not show stands in a comment before it, which readers of the page do not see:
 *
 *     <!-- prelude
 *     declare const client: Client;
 *     -->
 *
 * `<!-- continues -->` instead takes up all that the page's blocks before it say.
 */

export interface Snippet {
  /** `README.md:12`, where the block begins. */
  readonly where: string;
  readonly text: string;
}

const block = /(?:^<!-- (?:(prelude)\n([\s\S]*?)|(continues) ?)-->\n+)?^```(ts|typescript)\b[^\n]*\n([\s\S]*?)^```$/gm;

export function snippetsOf(page: string, text: string): readonly Snippet[] {
  let before = '';
  return [...text.matchAll(block)].map((match) => {
    const [whole, , prelude = '', continues, , code = ''] = match;
    const line = text.slice(0, match.index + whole.indexOf('```')).split('\n').length;
    const full = continues ? before + code : prelude + code;
    before = full;
    return { where: `${page}:${line}`, text: `${full}\nexport {};\n` };
  });
}

export interface Start {
  readonly code: string;
  readonly language: string;
  readonly output: string;
}

const fenced = /^```(\w*)[^\n]*\n([\s\S]*?)^```$/gm;

/** The first block of a page in one of these languages, and the first block of plain text after it: what it prints. */
export function startOf(text: string, languages: readonly string[]): Start | undefined {
  const blocks = [...text.matchAll(fenced)].map(([, language = '', code = '']) => ({ language, code }));
  const at = blocks.findIndex(({ language }) => languages.includes(language));
  const printed = blocks.slice(at + 1).find(({ language }) => language === 'text' || language === '');
  const start = blocks[at];
  return start && printed && { ...start, output: printed.code };
}
