/** Programs with decorators, compiled by tsc in each mode and run against a real coordinator and real databases. */
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { loadConfig } from '../../coordinator/config.js';
import { run } from '../../coordinator/main.js';
import { makeProject, modes, type Project } from './project.js';
import { application, applicationEnds, container, shop, shopEnds } from './shop.js';

/** Runs a compiled program with a coordinator of its own; answers what it printed last. */
async function printed(t: ExecutionContext, { directory, run: node }: Project, file: string): Promise<unknown> {
  const flags = { listen: '127.0.0.1:0', store: `sqlite:${path.join(directory, 'log.db')}`, logLevel: 'silent' };
  const coordinator = await run(loadConfig({ flags, env: {}, directory }));
  t.teardown(() => coordinator.stop());
  const ran = await node(file, { CONCORDAT_URL: coordinator.url, FOLDER: directory });
  t.is(ran.status, 0, ran.stderr);
  return JSON.parse(ran.stdout.trim().split('\n').at(-1) ?? '');
}

for (const [mode, options] of Object.entries(modes)) {
  test(`a shop with ${mode} commits and rolls back in its databases`, async (t) => {
    const project = await makeProject(t, { 'shop.ts': shop }, options);
    t.is((await project.compile()).stdout, '');
    t.deepEqual(await printed(t, project, 'out/shop.js'), shopEnds);
  });
}

test('an application as NestJS makes them, with injection by type and by token', async (t) => {
  const options = modes['experimentalDecorators, emitDecoratorMetadata and isolatedModules'];
  const project = await makeProject(t, { 'container.ts': container, 'application.ts': application }, options);
  t.is((await project.compile()).stdout, '');
  t.deepEqual(await printed(t, project, 'out/application.js'), applicationEnds);
});

test('a CommonJS project compiles, requires the package, and does the same', async (t) => {
  const options = { experimentalDecorators: true, emitDecoratorMetadata: true };
  const project = await makeProject(t, { 'shop.ts': shop }, options, 'commonjs');
  t.is((await project.compile()).stdout, '');
  t.deepEqual(await printed(t, project, 'out/shop.js'), shopEnds);
});

test('plain require of the package works', async (t) => {
  const source = "const { connect, Saga } = require('concordat'); console.log(typeof connect, typeof Saga);";
  const project = await makeProject(t, { 'plain.cjs': source }, {}, 'commonjs');
  t.like(await project.run('plain.cjs'), { status: 0, stdout: 'function function\n' });
});
