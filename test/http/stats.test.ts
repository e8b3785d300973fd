import test from 'ava';
import type { Reply } from '../../coordinator/dispatch/transport.js';
import { statsView } from '../../sdk/protocol/schemas-answers.js';
import { planOf, startServing } from './serving.js';

const refusing = ({ body: { id } }: { body: { id: string } }): Reply =>
  id === 'no' ? { kind: 'refused', reason: 'no' } : { kind: 'done', output: 1 };

test('the stats count what there is by status, and say how it goes', async (t) => {
  let letGo: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const serving = await startServing(t, {
    answer: async (command) => {
      if (command.body.id === 'slow') await gate;
      return refusing(command);
    },
  });
  const { post, get } = serving;
  await post('/v1/transactions', { ...planOf('a'), xid: 'x1' }, { prefer: 'wait=10' });
  await post('/v1/transactions', { ...planOf('no'), xid: 'x2' }, { prefer: 'wait=10' });
  const open = await post('/v1/transactions', { ...planOf('slow'), xid: 'x3' });
  const { status, body } = await get('/v1/stats');
  t.is(status, 200);
  t.notThrows(() => statsView.parse(body));
  t.deepEqual(body.transactions, {
    active: 1,
    committing: 0,
    rolling_back: 0,
    parked: 0,
    committed: 1,
    rolled_back: 1,
    resolved: 0,
  });
  t.is(body.oldestUnfinishedAt, open.body.openedAt);
  t.true(body.oldestUnfinishedMs >= 0);
  t.is(body.commands.inFlight, 1);
  t.is(body.commands.held, 0);
  t.like(body.participants, [{ name: 'http://127.0.0.1:9', breaker: 'closed', inFlight: 1, paused: false }]);
  t.true(body.rates.openedPerSecond > 0 && body.rates.openedPerSecond <= 3, `${body.rates.openedPerSecond}`);
  t.true(body.rates.finishedPerSecond > 0 && body.rates.finishedPerSecond < body.rates.openedPerSecond);
  t.true(body.store.appends >= 4);
  t.is(body.watchers, 0);
  letGo();
  await get('/v1/transactions/x3', { prefer: 'wait=10' });
});

test('an empty store has stats too', async (t) => {
  const { get } = await startServing(t);
  const { body } = await get('/v1/stats');
  t.like(body, { oldestUnfinishedAt: null, oldestUnfinishedMs: null, participants: [] });
  t.is(
    Object.values(body.transactions as Record<string, number>).reduce((sum, count) => sum + count),
    0,
  );
});

test('a hundred who ask at once cost the store one count', async (t) => {
  let counts = 0;
  const { get } = await startServing(t, {
    changeStore: (store) => ({
      ...store,
      counts: (statuses) => {
        counts++;
        return store.counts(statuses);
      },
    }),
  });
  const answers = await Promise.all(Array.from({ length: 100 }, () => get('/v1/stats')));
  t.true(answers.every(({ status }) => status === 200));
  t.true(counts <= 4, `${counts}: one of those under way and one of the finished, twice if a second went by`);
});
