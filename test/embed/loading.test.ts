import { spawnSync } from 'node:child_process';
import test from 'ava';
import { root } from '../tidy/sources.js';

/** Runs a module's text in a process of its own, and resolves with what it printed. */
function printed(program: string): string {
  const args = ['--input-type=module', '--eval', program];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return stdout.trim();
}

/** Which of these packages importing something loads; all of them are CommonJS. */
const loads = (specifier: string): readonly string[] =>
  JSON.parse(
    printed(`
      import { createRequire } from 'node:module';
      await import(${JSON.stringify(specifier)});
      const paths = Object.keys(createRequire(import.meta.url).cache).join(' ');
      console.log(JSON.stringify(['express', 'knex', 'sqlite3', 'pg'].filter((name) => paths.includes('/node_modules/' + name + '/'))));`),
  );

test('concordat loads neither the coordinator nor a database; the coordinator no server, and a database when a store is opened', (t) => {
  t.deepEqual(loads('concordat'), []);
  t.deepEqual(loads('concordat/coordinator'), []);
});

test('a process that closed what it embedded ends by itself', (t) => {
  const program = `
    import { participant, saga } from 'concordat';
    import { embed } from 'concordat/coordinator';
    const run = saga({ fence: 'none', action: async (name) => 'hello ' + name, compensate: async () => {} });
    const participants = [participant({ name: 'greeter', handlers: { run } })];
    const client = await embed({ store: 'sqlite::memory:', participants, log: 'error' });
    console.log(await client.call({ participant: 'greeter', handler: 'run' }, 'world'));
    await client.close();`;
  t.is(printed(program), 'hello world');
});
