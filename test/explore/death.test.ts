/** A saga whose process dies, alone or with its coordinator: its deadline rolls back what it had begun. */
import test, { type ExecutionContext } from 'ava';
import { Present } from '../../sdk/testing/present.js';
import type { Rehearsal } from '../../sdk/testing/rehearsal.js';
import { rehearse } from '../../sdk/testing/rehearse.js';
import type { Schedule } from '../../sdk/testing/schedule.js';
import { booksBalance, buy, openShop } from './shop.js';

async function run(t: ExecutionContext, schedule: Schedule): Promise<Rehearsal> {
  const made = await openShop();
  t.teardown(() => made.close?.());
  const options = { participants: () => made, invariant: booksBalance };
  return rehearse({ saga: buy, options, made, schedule, looks: false, present: new Present() });
}

test('the process of the saga dies between two steps', async (t) => {
  const { outcomes, offences, lines } = await run(t, [{ kind: 'saga', request: 4 }]);
  t.deepEqual(
    outcomes.map(({ status }) => status),
    ['rolled_back'],
  );
  t.deepEqual(offences, []);
  t.regex(
    lines.join('\n'),
    /process that runs the saga is killed before it asks for the next step\.[\s\S]*undo reserve[\s\S]*undo create/,
  );
});

test('the saga dies with its coordinator, wherever that is: nothing is left half done', async (t) => {
  const { boundaries } = await run(t, []);
  const statuses: string[] = [];
  for (let boundary = 1; boundary <= boundaries.length; boundary += 4) {
    const { outcomes, offences, sagaEnded, requests } = await run(t, [
      { kind: 'coordinator', boundary, withSaga: true },
    ]);
    t.deepEqual(offences, [], `at boundary ${boundary}`);
    t.true(sagaEnded);
    t.is(requests, boundaries[boundary - 1]?.requests ?? -1, 'nothing is asked for after its death');
    statuses.push(...outcomes.map(({ status }) => status));
  }
  t.true(
    statuses.includes('rolled_back') && statuses.every((status) => /^(?:rolled_back|committed)$/.test(status)),
    statuses.join(),
  );
});
