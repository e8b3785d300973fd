import { readdirSync, readFileSync } from 'node:fs';
import test from 'ava';
import { root } from '../tidy/sources.js';
import { asModule, project, tsconfig } from './installed.js';
import { type Snippet, snippetsOf } from './snippets.js';

const pages = (): readonly string[] => [
  'README.md',
  ...readdirSync(`${root}docs`, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

/** What the compiler says, with the place in the page instead of the file. */
async function complaints(snippets: readonly Snippet[]): Promise<string> {
  const files = Object.fromEntries(snippets.map(({ text }, at) => [`snippet-${at}.ts`, text]));
  const config = tsconfig({ noEmit: true });
  const { out } = await project({ ...files, 'package.json': asModule, 'tsconfig.json': config }).tsc();
  return out.replace(/snippet-(\d+)\.ts/g, (_, at: string) => snippets[Number(at)]?.where ?? '');
}

test('the TypeScript in README.md and docs compiles', async (t) => {
  const snippets = pages().flatMap((page) => snippetsOf(page, readFileSync(root + page, 'utf8')));
  t.log(`${snippets.length} blocks`);
  t.is(snippets.length > 0 ? await complaints(snippets) : '', '');
});

const page = `# A page

<!-- prelude
import { connect } from 'concordat';
-->
\`\`\`ts
const client = connect();
\`\`\`

More.

<!-- continues -->
\`\`\`ts
await client.get('x');
\`\`\`

\`\`\`ts
await client.get('x');
\`\`\`

\`\`\`json
{}
\`\`\`
`;

test('a block may lean on what a comment says, or on the block before', async (t) => {
  const snippets = snippetsOf('page.md', page);
  t.deepEqual(
    snippets.map(({ where }) => where),
    ['page.md:6', 'page.md:13', 'page.md:17'],
  );
  t.is(await complaints(snippets.slice(0, 2)), '');
  t.regex(await complaints(snippets), /^page\.md:17\(1,7\): error TS2304: Cannot find name 'client'/);
});
