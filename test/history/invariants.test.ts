/** A check that cannot fail is a defect: for each invariant a history that breaks it, beside the one that does not. */
import test from 'ava';
import type { HistoryRecord } from './records.js';
import { Teller, verdictOf, wrongIn } from './teller.js';

const saga = () => new Teller().open('a', ['saga', 'saga']);
const tcc = () => new Teller().open('a', ['tcc', 'tcc']);
const doneBoth = (teller: Teller) => teller.done('a', 1).done('a', 2);

const right: Readonly<Record<string, () => Teller>> = {
  'a saga that commits': () => doneBoth(saga()).end('a', 'commit'),
  'a saga that is undone': () => doneBoth(saga()).end('a', 'rollback'),
  'a reservation that is confirmed': () => doneBoth(tcc()).end('a', 'commit'),
  'a reservation that is cancelled': () => doneBoth(tcc()).end('a', 'rollback'),
  'every kind at once': () =>
    new Teller().open('a', ['message', 'xa', 'at']).done('a', 2).done('a', 3).end('a', 'commit').note({ t: 'settled' }),
  'one that goes on': () => saga().done('a', 1),
  'what was told and holds': () =>
    doneBoth(saga())
      .end('a', 'commit')
      .note(
        told({ seq: 1, append: 'a-1' }),
        told({ decision: 'commit', status: 'committed', branch: 2, forward: 'done' }),
      ),
};

const told = (more: object): HistoryRecord => ({ t: 'told', xid: 'a', by: 'ann', asked: 'open', ...more });

for (const [title, tell] of Object.entries(right)) {
  test(`nothing is wrong with ${title}`, (t) => {
    t.deepEqual(wrongIn(tell().verdict()), []);
  });
  test(`nothing is wrong with ${title}, read afterwards`, (t) => {
    t.deepEqual(wrongIn(verdictOf(dumped(tell().records))), []);
  });
}

/** The same table by table, as somebody reads it when all is over. */
function dumped([head, ...rest]: readonly HistoryRecord[]): readonly HistoryRecord[] {
  const of = (t: string) => rest.filter((record) => record.t === t);
  const others = rest.filter(({ t }) => t !== 'row' && t !== 'effect');
  return [{ ...head, order: 'dumped', driftMs: 10 } as HistoryRecord, ...of('row'), ...of('effect'), ...others];
}

const sent = (op: 'action' | 'compensate', at = 0): HistoryRecord => ({
  t: 'sent',
  at,
  from: 'c1',
  participant: 'p',
  xid: 'a',
  branch: 1,
  op,
});

const wrong: readonly (readonly [string, RegExp, () => Teller])[] = [
  [
    'I1 a committed branch without its effect',
    /^I1 committed, not done/,
    () => saga().done('a', 1).row('a', { type: 'branch_done', branch: 2, attempt: 1, output: null }).end('a', 'commit'),
  ],
  [
    'I1 a branch that was not undone',
    /^I1 rolled back, not undone/,
    () =>
      doneBoth(saga())
        .decide('a', 'rollback')
        .settle('a', 2)
        .row('a', { type: 'branch_undone', branch: 1, attempt: 1 }, { type: 'ended', status: 'rolled_back' }),
  ],
  [
    'I1 a reservation that is never confirmed',
    /^I1 committed, its commit op has no effect/,
    () =>
      doneBoth(tcc())
        .decide('a', 'commit')
        .settle('a', 2)
        .row('a', { type: 'branch_committed', branch: 1, attempt: 1 }, { type: 'ended', status: 'committed' }),
  ],
  [
    'I2 a decision that changes',
    /^I2 .*commit is decided/,
    () => doneBoth(tcc()).decide('a', 'commit').decide('a', 'rollback'),
  ],
  [
    'I2 an undo against the decision',
    /^I2 undone/,
    () => doneBoth(tcc()).effect('a', 1, 'rollback').decide('a', 'commit'),
  ],
  [
    'I2 another end than was told',
    /^I2 ann was told rolled_back/,
    () =>
      doneBoth(saga())
        .end('a', 'commit')
        .note(told({ status: 'rolled_back' })),
  ],
  ['I3 an acknowledged transaction that is not there', /^I3 .*no log/, () => new Teller().note(told({}))],
  ['I3 an acknowledged row that is gone', /^I3 .*upon row 9/, () => saga().note(told({ seq: 9, append: 'gone' }))],
  [
    'I3 an acknowledged row of one that is over',
    /^I3 .*upon row 2/,
    () =>
      doneBoth(saga())
        .end('a', 'commit')
        .note(told({ seq: 2, append: 'other' })),
  ],
  [
    'I3 a durable row that another stands for',
    /^I3 row 1 was durable as x/,
    () => saga().note({ t: 'won', xid: 'a', seq: 1, append: 'x' }),
  ],
  [
    'I3 an outcome that was told and is not so',
    /^I3 .*branch 1 is refused/,
    () =>
      saga()
        .done('a', 1)
        .note(told({ branch: 1, forward: 'refused' })),
  ],
  [
    'I3 effects of nobody',
    /^I3 there are effects, and no log/,
    () => new Teller().note({ t: 'effect', xid: 'b', branch: 1, op: 'try', participant: 'p' }),
  ],
  ['I3 an effect before its branch is in the log', /^I3 1.action took effect before/, () => early()],
  ['I4 nothing left to do', /^I4 /, () => forgotten()],
  [
    'I5 an effect twice',
    /^I5 1.action more than once/,
    () => doneBoth(saga().effect('a', 1, 'forward')).end('a', 'commit'),
  ],
  ['I5 a command sent twice at once', /^I5 c1 sends 1.action twice/, () => saga().note(sent('action'), sent('action'))],
  [
    'I6 a ghost',
    /^I6 1.compensate took effect after the end/,
    () => doneBoth(saga()).end('a', 'commit').effect('a', 1, 'rollback'),
  ],
  [
    'I7 confirmed and cancelled',
    /^I7 committed and rolled back/,
    () => doneBoth(tcc()).effect('a', 1, 'rollback').end('a', 'commit'),
  ],
  [
    'I7 undone and never done',
    /^I7 undone though it was never done/,
    () =>
      saga().done('a', 1).row('a', { type: 'branch_done', branch: 2, attempt: 1, output: null }).end('a', 'rollback'),
  ],
  [
    'I7 an undo sent beside its do',
    /^I7 c1 sends 1.compensate while action/,
    () => saga().note(sent('action'), sent('compensate')),
  ],
  [
    'I8 undone in the order it was done',
    /^I8 branch 1 is undone before 3/,
    () =>
      chain().decide('a', 'rollback').effect('a', 1, 'rollback').effect('a', 2, 'rollback').effect('a', 3, 'rollback'),
  ],
  [
    'I9 a cell below nothing',
    /^I9 .*leaves -5 in p\/ann/,
    () => saga().effect('a', 1, 'forward', { deltas: [['p/ann', -5]] }),
  ],
  [
    'I9 a cell that the ledger does not explain',
    /^I9 p\/ann holds 7, by the ledger 10/,
    () =>
      new Teller().note(
        { t: 'cell', cell: 'p/ann', when: 'before', amount: 10 },
        { t: 'cell', cell: 'p/ann', when: 'after', amount: 7 },
      ),
  ],
  ['I9 money that stays held', /^I9 rolled_back, and 5 left in p\/held:ann/, () => held()],
  ['I10 one that never ends', /^I10 still active/, () => saga().done('a', 1).note({ t: 'settled' })],
  ['I11 a gap in the log', /^I11 row 3 is in place 2/, () => gap()],
  [
    'I11 an event that nothing allows',
    /^I11 row 2, ended: nothing is decided/,
    () => saga().row('a', { type: 'ended', status: 'committed' }),
  ],
  [
    'I11 a row after the end',
    /^I11 row 5 comes after the end/,
    () => doneBoth(saga()).end('a', 'commit').row('a', { type: 'retried', by: 'ann' }),
  ],
  [
    'I12 a repeat that is refused',
    /^I12 'open' again was answered xid_conflict/,
    () => saga().note({ t: 'repeat', xid: 'a', asked: 'open', isSame: true, got: 'xid_conflict' }),
  ],
  [
    'I13 a prepared branch that outlives its transaction',
    /^I13 p holds a prepared branch/,
    () => doneBoth(saga()).end('a', 'commit').note({ t: 'prepared', participant: 'p', xid: 'a' }),
  ],
  [
    'I14 more at once than a participant takes',
    /^I14 p has 2 commands at once, at most 1/,
    () =>
      saga().note({ t: 'limit', participant: 'p', atOnceMax: 1 }, sent('action'), {
        ...sent('action'),
        branch: 2,
      } as HistoryRecord),
  ],
  [
    'I14 more in a second than a participant takes',
    /^I14 p gets 3 commands in 20 ms/,
    () =>
      saga().note(
        { t: 'limit', participant: 'p', perSecondMax: 2 },
        ...[0, 10, 20].map((at, branch) => ({ ...sent('action', at), branch }) as HistoryRecord),
      ),
  ],
  ['I14 a dead coordinator whose command is not counted', /^I14 .*is not counted/, () => adopted()],
  [
    'I15 what a person did and nobody wrote down',
    /^I15 'retry' by ann is in the log 0 times, not 1/,
    () => saga().note({ t: 'deed', xid: 'a', by: 'ann', what: 'retry', changed: true, branches: 1 }),
  ],
];

const chain = () =>
  new Teller()
    .open('a', ['saga', 'saga', 'saga'], [[], [1], [2]])
    .done('a', 1)
    .done('a', 2)
    .done('a', 3);

const held = () =>
  new Teller()
    .open('a', ['tcc'])
    .effect('a', 1, 'forward', {
      deltas: [
        ['p/ann', -5],
        ['p/held:ann', 5],
      ],
    })
    .note({ t: 'cell', cell: 'p/ann', when: 'before', amount: 10 })
    .row('a', { type: 'branch_done', branch: 1, attempt: 1, output: null })
    .end('a', 'rollback');

function early(): Teller {
  const { records } = saga().done('a', 1);
  const [head, opened, effect, ...rest] = records;
  const teller = new Teller();
  teller.records.length = 0;
  return teller.note(...[head, effect, opened, ...rest].filter((record) => record !== undefined));
}

/** Everything is done, there is no deadline, and nobody decided. */
function forgotten(): Teller {
  const teller = doneBoth(saga());
  const [head, opened, ...rest] = teller.records;
  teller.records.length = 0;
  if (opened?.t !== 'row' || typeof opened.events === 'string') throw new Error('expected the first row');
  const events = opened.events.map((event) => (event.type === 'opened' ? { ...event, deadlineAt: null } : event));
  return teller.note(...[head, { ...opened, events }, ...rest].filter((record) => record !== undefined));
}

function gap(): Teller {
  const teller = saga().done('a', 1).done('a', 2);
  teller.records.splice(3, 1);
  return teller;
}

const adopted = () => saga().row('a', { type: 'adopted', from: 'coordinator' });

for (const [title, pattern, tell] of wrong) {
  test(`seen: ${title}`, (t) => {
    const found = wrongIn(tell().verdict());
    t.true(
      found.some((each) => pattern.test(each)),
      `expected ${pattern}, got ${JSON.stringify(found)}`,
    );
  });
}

test('I6 a ghost is seen by its time where a history was read afterwards', (t) => {
  const { records } = doneBoth(saga()).end('a', 'commit');
  const ghost = { t: 'effect', xid: 'a', branch: 1, op: 'compensate', participant: 'p', at: 9999 } as const;
  const found = wrongIn(verdictOf([...dumped(records), ghost]));
  t.true(
    found.some((each) => /^I6 .*after the end/.test(each)),
    found.join('\n'),
  );
});

test('a violation comes with the story of its transaction', (t) => {
  const [violation] = doneBoth(saga().effect('a', 1, 'forward'))
    .end('a', 'commit')
    .verdict().violations;
  t.is(violation?.xid, 'a');
  t.true(violation?.steps.some((step) => step.includes('effect: 1.action at p')));
});

test('what is no history is refused with what was expected', (t) => {
  t.throws(() => verdictOf([]), { message: 'expected a history, got nothing' });
  t.throws(() => verdictOf([{ t: 'settled' }]), { message: /expected the head of a history first/ });
});
