/** README's first screen, pasted into an empty folder. */
import { readFileSync } from 'node:fs';
import test from 'ava';
import { root } from '../tidy/sources.js';
import { asModule, project, tsconfig } from './installed.js';
import { startOf } from './snippets.js';

/** A first screen is so long. */
const screenLines = 90;

/** Runs a start: JavaScript as it is, TypeScript compiled as the page says. */
async function outputOf({ code, language }: { readonly code: string; readonly language: string }): Promise<string> {
  if (language === 'js' || language === 'javascript') {
    const { out, err } = await project({ 'start.mjs': code }).node('start.mjs');
    return out + err;
  }
  const files = { 'package.json': asModule, 'tsconfig.json': tsconfig(), 'start.ts': code };
  const pasted = project(files);
  const { out } = await pasted.tsc();
  if (out !== '') return out;
  const ran = await pasted.node('start.js');
  return ran.out + ran.err;
}

test('the start of README.md prints what it says, pasted into an empty folder', async (t) => {
  const screen = readFileSync(`${root}README.md`, 'utf8').split('\n').slice(0, screenLines).join('\n');
  const start = startOf(screen, ['js', 'javascript', 'ts', 'typescript']);
  if (!start)
    return t.fail(
      'README.md: expected on the first screen a block of js or ts, and after it a block of what it prints',
    );
  t.is(await outputOf(start), start.output);
});

test('a start that prints something else is told', async (t) => {
  const page = (language: string, code: string): string =>
    `x\n\`\`\`${language}\n${code}\n\`\`\`\ny\n\`\`\`text\n1\n\`\`\`\n`;
  for (const language of ['js', 'ts']) {
    const start = startOf(page(language, 'console.log(1);'), [language]);
    t.is(start && (await outputOf(start)), start?.output);
  }
  const wrong = startOf(page('ts', 'const a: number = "1"; console.log(a);'), ['ts']);
  t.regex(wrong ? await outputOf(wrong) : '', /error TS2322/);
});
