/** What the compiler says to right and wrong uses, in each mode. */
import test from 'ava';
import { linesFoundWrong, linesMeantWrong, makeProject, modes } from './project.js';
import { uses } from './uses.js';

/** What helps whoever wrote a wrong undo, in the mode where the compiler does not name it by itself. */
const saidToWrong = [
  `"expected a public method 'refnud'"`,
  `"expected a public method 'otherInput'"`,
  `"expected a public method 'otherOutput'"`,
  `"expected a public method 'hidden'"`,
  `"expected a public method 'refund'"`,
];

for (const [mode, options] of Object.entries(modes)) {
  test(`with ${mode} a wrong use is a compile error in its line, and a right one is none`, async (t) => {
    const project = await makeProject(t, { 'uses.ts': uses }, options);
    const said = await project.compile();
    t.true(linesMeantWrong(uses).length > 20);
    t.deepEqual(linesFoundWrong('uses.ts', said), linesMeantWrong(uses), said.stdout);
    for (const words of mode === 'standard decorators' ? saidToWrong : [])
      t.true(said.stdout.includes(words), `${words}\n${said.stdout}`);
    t.deepEqual(
      said.stdout.split('\n').filter((line) => /^\S+\(\d+,\d+\)/.test(line) && !line.startsWith('uses.ts')),
      [],
    );
  });
}
