import test from 'ava';
import type { Metrics } from '../../coordinator/observe/metrics.js';
import { StoreError } from '../../coordinator/store/store.js';
import { planOf, startServing } from './serving.js';

/** The value of one series, by its name and labels as Prometheus writes them. */
const numberAt = (text: string, series: string): number => {
  const line = text.split('\n').find((each) => each.startsWith(`${series} `));
  return line === undefined ? Number.NaN : Number(line.slice(series.length + 1));
};

test('metrics tell what went by, to anybody, in the format of Prometheus', async (t) => {
  const { get, post } = await startServing(t, { metrics: true, env: { CONCORDAT_API_KEYS: 'app:client:k1' } });
  const key = { authorization: 'Bearer k1' };
  for (const xid of ['x1', 'x2'])
    await post('/v1/transactions', { ...planOf('a'), xid }, { prefer: 'wait=10', ...key });
  await get('/v1/transactions/none', key);
  await get('/nowhere', key);
  const { status, headers, body } = await get('/metrics');
  t.is(status, 200);
  t.regex(headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
  const value = (series: string) => numberAt(body, series);
  t.is(value('concordat_transactions_opened_total'), 2);
  t.is(value('concordat_transactions_finished_total{status="committed"}'), 2);
  t.is(value('concordat_transactions_finished_total{status="rolled_back"}'), 0);
  t.is(value('concordat_transactions{status="active"}'), 0);
  t.is(value('concordat_oldest_unfinished_age_seconds'), 0);
  t.is(value('concordat_append_duration_seconds_count'), 4);
  t.is(value('concordat_http_requests_total{route="/v1/transactions",method="POST",status="201"}'), 2);
  t.is(value('concordat_http_requests_total{route="/v1/transactions/:xid",method="GET",status="404"}'), 1);
  t.is(value('concordat_http_requests_total{route="other",method="other",status="404"}'), 1);
  t.is(value('concordat_http_request_duration_seconds_count{route="/v1/transactions",method="POST"}'), 2);
  t.is(value('concordat_breaker_state{participant="http://127.0.0.1:9",state="closed"}'), 1);
  t.is(value('concordat_commands_held{participant="http://127.0.0.1:9"}'), 0);
  t.is(value('concordat_stream_watchers'), 0);
  t.is(value('concordat_lease_age_seconds'), 0);
  t.true(value('process_resident_memory_bytes') > 0);
  t.true(value('nodejs_eventloop_lag_seconds') >= 0);
  const again = (await get('/metrics')).body;
  t.is(numberAt(again, 'concordat_transactions_opened_total'), 2, 'reading them counts nothing twice');
});

test('no xid, no payload and no key is in a metric', async (t) => {
  const { get, post } = await startServing(t, { metrics: true });
  await post(
    '/v1/transactions',
    { ...planOf('planted-step'), xid: 'planted-xid', businessKey: 'planted-key', metadata: { secret: 'planted-data' } },
    { prefer: 'wait=10', authorization: 'Bearer planted-bearer' },
  );
  await get('/v1/transactions/planted-xid?planted-query');
  t.notRegex((await get('/metrics')).body, /planted/);
});

test('what the store does not do is counted by its kind, and what is no trouble of it is not', async (t) => {
  const { get, post } = await startServing(t, {
    metrics: true,
    changeStore: (store) => ({
      ...store,
      append: () => Promise.reject(new StoreError('outage', 'away')),
      list: (filter) => (filter.name ? Promise.reject(new StoreError('outage', 'away')) : store.list(filter)),
    }),
  });
  t.is((await post('/v1/transactions', planOf('a'))).status, 503);
  t.is((await get('/v1/transactions?name=x')).status, 503);
  t.is((await get('/v1/transactions?cursor=AAAA')).status, 400);
  t.is(numberAt((await get('/metrics')).body, 'concordat_store_errors_total{kind="outage"}'), 2);
});

test('where metrics are off, the path says so', async (t) => {
  const { get } = await startServing(t);
  t.like((await get('/metrics')).body, { status: 501, code: 'not_available' });
});

const load = async (): Promise<Metrics> => {
  const { Metrics: Made } = await import('../../coordinator/observe/metrics.js');
  const { Tally } = await import('../../coordinator/observe/tally.js');
  return new Made(new Tally({ monotonic: () => 0 }));
};

const moment = {
  counts: new Map(),
  at: 0,
  oldest: 1000,
  now: 3500,
  watchers: 3,
  leaseAgeMs: 1500,
};

test('two hundred participants have series of their own, and a thousand more share one', async (t) => {
  const metrics = await load();
  for (let i = 0; i < 1200; i++) metrics.called(`p${i}`, 'action', i % 2 ? 'done' : 'unknown', 3);
  const places = Array.from({ length: 1200 }, (_, i) => ({
    name: `p${i}`,
    inFlight: 1,
    held: 2,
    breaker: 'open' as const,
  }));
  const text = await metrics.text({ ...moment, places });
  const series = text.split('\n').filter((line) => line.includes('participant='));
  t.true(series.length < 201 * (2 + 2 + 3 + 20), `${series.length}`);
  t.is(numberAt(text, 'concordat_branch_calls_total{participant="other",op="action",outcome="done"}'), 500);
  t.is(numberAt(text, 'concordat_branch_calls_total{participant="p1",op="action",outcome="done"}'), 1);
  t.is(numberAt(text, 'concordat_commands_held{participant="other"}'), 2000);
  t.is(numberAt(text, 'concordat_breaker_state{participant="p0",state="open"}'), 1);
  t.is(numberAt(text, 'concordat_oldest_unfinished_age_seconds'), 2.5);
  t.is(numberAt(text, 'concordat_lease_age_seconds'), 1.5);
});

test('a name that would break the format is escaped', async (t) => {
  const metrics = await load();
  metrics.called('a"} 1\nfake_metric{x="', 'action', 'done', 1);
  const text = await metrics.text({ ...moment, places: [] });
  t.false(text.split('\n').some((line) => line.startsWith('fake_metric')));
});
