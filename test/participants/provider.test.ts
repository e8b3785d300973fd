/** Transfers: what makes them happen once is a key, and the books are somebody else's. */
import test, { type ExecutionContext } from 'ava';
import type { Json } from '../../sdk/protocol/json.js';
import { rows, send, startProvider, startService } from './shop.js';

const input = { customer: 'ann', orderId: 1, amountCents: 700 };

async function payment(t: ExecutionContext, manners: Parameters<typeof startProvider>[1] = {}) {
  const provider = await startProvider(t, manners);
  const service = await startService(t, 'payment', { provider: provider.url });
  const transfer = (xid = 'x1', asked: Json = input) => send(service.url, 'transfer', 'action', { xid, input: asked });
  const undo = (xid = 'x1', forward = 'unknown') =>
    send(service.url, 'transfer', 'compensate', { xid, input, forward });
  const movements = async (): Promise<string[]> =>
    (await rows<{ text: string }>(provider.db, movementsQuery)).map(({ text }) => text);
  return { ...service, provider, transfer, undo, movements };
}

const movementsQuery = `select m.what || ' ' || (c.metadata ->> 'xid') as text
  from movements m join charges c on c.id = m.charge_id order by m.id`;

const isOver = (status: number): boolean => status !== 425 && status < 500;

/** The same command until it is answered. */
async function untilAnswered<T extends { readonly status: number }>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (isOver(answer.status)) return answer;
  }
}

test('C1 a transfer is charged once however often it is asked for, and answered alike', async (t) => {
  const { transfer, movements, db } = await payment(t);
  const [first, second] = [await transfer(), await transfer()];
  t.is(first.status, 200);
  t.deepEqual(second.body, first.body);
  t.deepEqual(await movements(), ['charged x1']);
  t.deepEqual(await rows(db, 'select phase, outcome from concordat_fence'), [{ phase: 1, outcome: 'done' }]);
});

test('C6 a transfer whose answer was lost after the money moved is charged once', async (t) => {
  const { transfer, movements } = await payment(t, { loseEvery: 2 });
  t.is((await transfer('x1')).status, 200);
  t.true((await transfer('x2')).status >= 500);
  t.deepEqual(await movements(), ['charged x1', 'charged x2']);
  t.is((await untilAnswered(() => transfer('x2'))).status, 200);
  t.deepEqual(await movements(), ['charged x1', 'charged x2']);
});

test('a declined card is a refusal, with the code of the provider, and repeated alike', async (t) => {
  const { transfer, movements } = await payment(t);
  for (const _ of [1, 2]) {
    const answer = await transfer('x1', { ...input, customer: 'bob' });
    t.deepEqual([answer.status, answer.code], [409, 'card_declined']);
  }
  t.deepEqual(await movements(), []);
});

test('a charge that takes its time is pending, and done when it is asked for again', async (t) => {
  const { transfer, movements } = await payment(t, { settleMs: 1500 });
  const early = await transfer();
  t.is(early.status, 202);
  t.truthy(early.headers['retry-after']);
  for (;;) {
    const answer = await transfer();
    if (answer.status === 202 || answer.status === 425) continue;
    t.is(answer.status, 200);
    break;
  }
  t.deepEqual(await movements(), ['charged x1']);
});

test('an undone transfer gives the money back, once', async (t) => {
  const { transfer, undo, movements, provider } = await payment(t);
  await transfer();
  for (const _ of [1, 2]) t.is((await undo('x1', 'done')).status, 200);
  t.deepEqual(await movements(), ['charged x1', 'returned x1']);
  t.deepEqual(await rows(provider.db, `select balance_cents from accounts where customer = 'ann'`), [
    { balance_cents: 10_000 },
  ]);
});

test('D1 D2 a transfer that comes after its undo never reaches the provider', async (t) => {
  const { transfer, undo, movements, provider } = await payment(t);
  t.is((await undo()).status, 200);
  const late = await transfer();
  t.deepEqual([late.status, late.code], [409, 'suppressed']);
  t.deepEqual(await movements(), []);
  t.deepEqual(await rows(provider.db, 'select * from charges'), []);
});

test('C6 the undo of a transfer whose answer was lost asks the provider, who gives the money back', async (t) => {
  const { transfer, undo, movements } = await payment(t, { loseEvery: 3 });
  await transfer('x1');
  await undo('x1', 'done');
  t.true((await transfer('x2')).status >= 500);
  t.is((await untilAnswered(() => undo('x2'))).status, 200);
  t.deepEqual(await movements(), ['charged x1', 'returned x1', 'charged x2', 'returned x2']);
});

test('a provider that never heard of a key declines it for good once it was cancelled', async (t) => {
  const { provider } = await payment(t);
  const ask = async (path: string, body: object) =>
    (
      await fetch(`${provider.url}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': 'k' },
        body: JSON.stringify(body),
      })
    ).status;
  t.is(await ask('/cancellations', {}), 200);
  t.is(await ask('/charges', { customer: 'ann', amountCents: 1 }), 402);
  t.deepEqual(await rows(provider.db, 'select * from movements'), []);
});

test('without a provider a transfer is refused, and says so', async (t) => {
  const { url } = await startService(t, 'payment');
  t.is((await send(url, 'transfer', 'action', { input })).code, 'no_provider');
});
