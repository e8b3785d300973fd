/** Time takes none, unless users' code takes it for real. */
import test from 'ava';
import { type Handler, saga } from '../../sdk/index.js';
import { type CaseTime, examine } from '../../sdk/testing.js';
import { calling, openBank } from './bank.js';

const nothing = saga({ action: async () => undefined, compensate: async () => undefined });
const oneCase = { casesMax: 1, pairsMax: 0 } as const;
const hourMs = 3_600_000;

const later = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test('timers of handlers and sagas are real: what waits for them is waited for', async (t) => {
  let slept = 0;
  const sleeping: Handler = {
    ...nothing,
    async forward() {
      await later(20);
      slept++;
      return null;
    },
  };
  const { failures } = await examine(
    async (client) => {
      await later(20);
      await calling('sleep')(client);
      await later(20);
    },
    { participants: openBank(() => ({ sleep: sleeping })), ...oneCase },
  );
  t.deepEqual(failures, []);
  t.true(slept > 0);
});

test('a handler and a saga that let time of the case pass take none', async (t) => {
  const passed: number[] = [];
  const participants = (time: CaseTime) =>
    openBank(() => ({
      wait: {
        ...nothing,
        async forward() {
          const began = time.now();
          await time.sleep(3000);
          passed.push(time.now() - began);
          return null;
        },
      },
    }))().then((bank) => ({ ...bank, time }));
  const { failures, durationMs } = await examine(
    (client, { time }) =>
      client.run({ name: 'slow', timeoutMs: 5 * hourMs }, async () => {
        await client.call({ participant: 'bank', handler: 'wait' }, null);
        await time.sleep(4 * hourMs);
        await client.call({ participant: 'bank', handler: 'wait' }, null);
      }),
    { participants, ...oneCase },
  );
  t.deepEqual(failures, []);
  t.true(passed.length > 0 && passed.every((ms) => ms === 3000), passed.join());
  t.true(durationMs < hourMs);
});

test('a saga that outlives its deadline is told so', async (t) => {
  const participants = (time: CaseTime) => openBank(() => ({ step: nothing }))().then((bank) => ({ ...bank, time }));
  const { failures } = await examine(
    (client, { time }) =>
      client.run({ name: 'slow', timeoutMs: hourMs }, async () => {
        await client.call({ participant: 'bank', handler: 'step' }, null);
        await time.sleep(2 * hourMs);
      }),
    { participants, ...oneCase },
  );
  t.is(failures[0]?.kind, 'fails without trouble');
  t.regex(failures[0]?.story ?? '', /It is decided: roll back \(.*(?:deadline|time)/);
});

test('time passes for nobody but a saga and a handler', async (t) => {
  await t.throwsAsync(
    examine(calling('step'), {
      async participants(time) {
        await time.sleep(5);
        return openBank(() => ({ step: nothing }))();
      },
    }),
    { message: /sleep: expected to be called by a saga or a handler/ },
  );
});
