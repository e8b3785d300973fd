/** What the compiler says to right and wrong uses, in each mode. */
import test from 'ava';
import { linesFoundWrong, linesMeantWrong, makeProject, modes } from './project.js';
import { uses } from './uses.js';

for (const [mode, options] of Object.entries(modes)) {
  test(`with ${mode} a wrong use is a compile error in its line, and a right one is none`, async (t) => {
    const project = await makeProject(t, { 'uses.ts': uses }, options);
    const said = await project.compile();
    t.true(linesMeantWrong(uses).length > 20);
    t.deepEqual(linesFoundWrong('uses.ts', said), linesMeantWrong(uses), said.stdout);
    t.deepEqual(
      said.stdout.split('\n').filter((line) => /^\S+\(\d+,\d+\)/.test(line) && !line.startsWith('uses.ts')),
      [],
    );
  });
}
