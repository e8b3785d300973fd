/** Mistakes that people make who know what they do: each is found, by the right name, with the shortest schedule. */
import test from 'ava';
import { type Handler, on, plan, saga, tcc } from '../../sdk/index.js';
import { examine } from '../../sdk/testing.js';
import { type Amount, type Bank, failuresOf, openBank, summaries } from './bank.js';

const mine = { owner: 'ann' };

/** As it should be. */
const charge: Handler = saga({
  action: async ({ cents }: Amount, tx) => void (await tx.db('accounts').where(mine).decrement('cents', cents)),
  compensate: async ({ cents }: Amount, tx) => void (await tx.db('accounts').where(mine).increment('cents', cents)),
});

const paidInBetween = ({ db }: Bank) => db('accounts').where(mine).increment('cents', 70);

test('an undo that puts back a value that was read before overwrites what others paid in meanwhile', async (t) => {
  const fromMemory = saga({
    async action({ cents }: Amount, tx): Promise<number> {
      const before: number = (await tx.db('accounts').where(mine).first()).cents;
      await tx
        .db('accounts')
        .where(mine)
        .update({ cents: before - cents });
      return before;
    },
    compensate: async (_: Amount, tx) => void (await tx.db('accounts').where(mine).update({ cents: tx.output })),
  });
  const failures = await failuresOf(() => ({ charge: fromMemory }), { meanwhile: paidInBetween });
  t.deepEqual(summaries(failures), [
    'overwrites others: the undo of bank/charge (the end is turned into a rollback, and another transaction commits in between)',
  ]);
  t.regex(
    failures[0]?.story ?? '',
    /Another transaction commits something of its own\.\n[\s\S]*overwrites what another transaction committed in between: bank\.accounts should have .*5070.* and has .*5000/,
  );
  t.deepEqual(await failuresOf(() => ({ charge }), { meanwhile: paidInBetween }), []);
});

test('a confirm outside of the fence that counts twice', async (t) => {
  const hold = tcc({
    fence: 'none',
    try: async () => undefined,
    confirm: async () => undefined,
    cancel: async () => undefined,
  });
  const counting =
    (right: boolean) =>
    ({ elsewhere }: Pick<Bank, 'elsewhere'>): Record<string, Handler> => ({
      hold: {
        ...hold,
        async commit(_, { xid }) {
          if (right && (await elsewhere('calls').where({ key: xid }).first())) return;
          await elsewhere('calls').insert({ key: xid, cents: 1 });
        },
      },
    });
  const failures = await failuresOf(counting(false));
  t.deepEqual(summaries(failures), [
    'not idempotent: the confirm of bank/hold (the participant stops in bank/hold (confirm), after the work and before the commit)',
  ]);
  t.deepEqual(await failuresOf(counting(true)), []);
});

test('an external handler that calls without its idempotency key', async (t) => {
  const provider =
    (right: boolean) =>
    ({ elsewhere }: Pick<Bank, 'elsewhere'>): Record<string, Handler> => ({
      pay: saga({
        external: true,
        async action({ cents }: Amount, { idempotencyKey: key }): Promise<void> {
          if (right && (await elsewhere('calls').where({ key }).first())) return;
          await elsewhere('calls').insert({ key, cents });
        },
        compensate: async (_: Amount, { xid }) =>
          void (await elsewhere('calls').where('key', 'like', `%${xid}%`).delete()),
      }),
    });
  const failures = await failuresOf(provider(false));
  t.deepEqual(summaries(failures), [
    'not idempotent: bank/pay (the participant stops in bank/pay (action), after the work and before the commit)',
  ]);
  t.deepEqual(await failuresOf(provider(true)), []);
});

test('a cancel that never gives back what is held', async (t) => {
  const hold = tcc({
    async try({ cents }: Amount, tx) {
      await tx.db('accounts').where(mine).decrement('cents', cents).increment('held', cents);
    },
    confirm: async ({ cents }: Amount, tx) => void (await tx.db('accounts').where(mine).decrement('held', cents)),
    cancel: async ({ cents }: Amount, tx) => void (await tx.db('accounts').where(mine).increment('cents', cents)),
  });
  t.deepEqual(summaries(await failuresOf(() => ({ hold: { ...hold, rollback: async () => undefined } }))), [
    'undo missing: the cancel of bank/hold (the end is turned into a rollback)',
  ]);
  const failures = await failuresOf(() => ({ hold }));
  t.deepEqual(summaries(failures), ['undo incomplete: the cancel of bank/hold (the end is turned into a rollback)']);
  t.regex(failures[0]?.story ?? '', /leaves bank\.accounts\.held .*moved by \+900/);
});

test('a step that reads what another one has not written yet', async (t) => {
  const note = saga({
    action: async ({ cents }: Amount, tx) => void (await tx.db('accounts').insert({ owner: 'due', cents })),
    compensate: async (_: Amount, tx) => void (await tx.db('accounts').where({ owner: 'due' }).delete()),
  });
  const reading = saga({
    async action(_: Amount, tx): Promise<number> {
      const cents: number = (await tx.db('accounts').where({ owner: 'due' }).first())?.cents ?? 0;
      await tx.db('accounts').where(mine).decrement('cents', cents);
      return cents;
    },
    compensate: async (_: Amount, tx) => void (await tx.db('accounts').where(mine).increment('cents', tx.output)),
  });
  interface Steps {
    note(input: Amount): Promise<void>;
    reading(input: Amount): Promise<number>;
  }
  const { failures } = await examine(
    (client) =>
      client.submit(
        plan('pay')
          .step('note', on<Steps>('bank').note, { cents: 900 })
          .step('read', on<Steps>('bank').reading, { cents: 900 }, { after: [] }),
      ),
    { participants: openBank(() => ({ note, reading })), pairsMax: 0 },
  );
  t.deepEqual(summaries(failures), ['different: bank/note (the command for bank/note (action) is slow)']);
  t.regex(failures[0]?.what ?? '', /bank\.accounts should have .*4100.*has .*5000.*took effect in another order/);
});

test('an action that swallows the error of its database', async (t) => {
  const swallowing: Handler = {
    ...charge,
    async forward(input, tx) {
      const { cents } = input as unknown as Amount;
      await (tx as { db: Bank['db'] })
        .db('accounts')
        .where(mine)
        .decrement('cents', cents)
        .catch(() => 0);
      return null;
    },
  };
  const failures = await failuresOf(() => ({ charge: swallowing }));
  t.deepEqual(summaries(failures), [
    'swallows an error: bank/charge (the database fails the first write of bank/charge (action))',
  ]);
});

test('an undo that swallows the error of its database', async (t) => {
  const failures = await failuresOf(() => ({
    charge: {
      ...charge,
      async rollback(input, tx) {
        const { cents } = input as unknown as Amount;
        await (tx as { db: Bank['db'] })
          .db('accounts')
          .where(mine)
          .increment('cents', cents)
          .catch(() => 0);
      },
    },
  }));
  t.deepEqual(summaries(failures), [
    'swallows an error: the undo of bank/charge (the end is turned into a rollback, and the database fails the first write of bank/charge (compensate))',
  ]);
});

test('what holds at the end but not in between', async (t) => {
  const failures = await failuresOf(() => ({ charge, spend: charge }), {
    midway: async ({ db }) => {
      const { cents } = await db('accounts').where(mine).first();
      return cents < 4000 ? `ann has only ${cents}` : undefined;
    },
  });
  t.deepEqual(summaries(failures), ['invariant: bank/spend (nothing goes wrong)']);
  t.regex(failures[0]?.story ?? '', /in between, after this: ann has only 3200/);
});

const voiding =
  (right: boolean) =>
  ({ elsewhere }: Pick<Bank, 'elsewhere'>): Record<string, Handler> => ({
    call: saga({
      fence: 'none',
      async action({ cents }: Amount, { xid: key }): Promise<void> {
        const isVoid = await elsewhere('voids').where({ key }).first();
        const isDone = await elsewhere('calls').where({ key }).first();
        if (!isVoid && !isDone) await elsewhere('calls').insert({ key, cents });
      },
      async compensate(_: Amount, { xid: key }) {
        if ((await elsewhere('calls').where({ key }).update({ cents: 0 })) > 0) return;
        // Nobody called yet: this keeps out a call that comes late.
        const mark = elsewhere('voids').insert({ key });
        await (right ? mark.onConflict().ignore() : mark);
      },
    }),
  });

test('an undo that fails the second time it finds nothing takes two troubles to show', async (t) => {
  t.deepEqual(await failuresOf(voiding(false)), []);
  const failures = await failuresOf(voiding(false), { pairsMax: 100 });
  t.deepEqual(
    failures.map(({ kind, where }) => `${kind}: ${where}`),
    ['fails when empty: the undo of bank/call'],
  );
  t.regex(failures[0]?.trouble ?? '', /, and /);
  t.deepEqual(await failuresOf(voiding(true), { pairsMax: Number.POSITIVE_INFINITY }), []);
});
