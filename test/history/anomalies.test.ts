/** Every anomaly, as small as it can be, is found and counted; it is a violation where its kind does not declare it. */
import test from 'ava';
import type { Kind } from '../../sdk/protocol/kinds.js';
import { type Anomaly, anomalies, declared } from './declared.js';
import { Teller, wrongIn } from './teller.js';

const list = (key: string, ...elements: number[]) => ({ t: 'list', key, elements }) as const;

const opened = (kind: Kind) => new Teller().open('a', [kind, kind]).open('b', [kind, kind]);
const bothEnd = (teller: Teller) => teller.end('a', 'commit').end('b', 'commit');

/** What each history shows: the anomaly, and what comes with it. */
const shows: Readonly<Record<Anomaly, readonly [(kind: Kind) => Teller, ...also: Anomaly[]]>> = {
  G0: [
    (kind) =>
      bothEnd(
        opened(kind)
          .done('a', 1, ['append', 'x', 1])
          .done('b', 1, ['append', 'x', 2])
          .done('b', 2, ['append', 'y', 3])
          .done('a', 2, ['append', 'y', 4]),
      ).note(list('x', 1, 2), list('y', 3, 4)),
  ],
  G1a: [
    (kind) =>
      opened(kind)
        .done('a', 1, ['append', 'x', 1])
        .done('b', 1, ['read', 'x', [1]])
        .done('a', 2)
        .end('a', 'rollback')
        .done('b', 2)
        .end('b', 'commit'),
    'dirty read',
  ],
  G1b: [
    (kind) =>
      bothEnd(
        opened(kind)
          .done('a', 1, ['append', 'x', 1])
          .done('b', 1, ['read', 'x', [1]])
          .done('a', 2, ['append', 'x', 2])
          .done('b', 2, ['read', 'x', [1, 2]]),
      ),
    'dirty read',
    'G-single',
  ],
  G1c: [
    (kind) =>
      bothEnd(
        opened(kind)
          .done('a', 1, ['append', 'x', 1])
          .done('b', 1, ['append', 'y', 2])
          .done('b', 2, ['read', 'x', [1]])
          .done('a', 2, ['read', 'y', [2]]),
      ),
    'dirty read',
  ],
  'G-single': [
    (kind) =>
      opened(kind)
        .done('a', 1, ['read', 'x', []])
        .done('b', 1, ['append', 'x', 1])
        .done('b', 2, ['append', 'y', 2])
        .end('b', 'commit')
        .done('a', 2, ['read', 'y', [2]])
        .end('a', 'commit')
        .note(list('x', 1)),
  ],
  'G2-item': [
    (kind) =>
      bothEnd(
        opened(kind)
          .done('a', 1, ['read', 'x', []])
          .done('b', 1, ['read', 'y', []])
          .done('a', 2, ['append', 'y', 1])
          .done('b', 2, ['append', 'x', 2]),
      ).note(list('x', 2), list('y', 1)),
  ],
  'lost update': [
    (kind) =>
      opened(kind)
        .done('a', 1, ['read', 'x', []])
        .done('b', 1, ['append', 'x', 1])
        .done('b', 2)
        .end('b', 'commit')
        .done('a', 2, ['append', 'x', 2])
        .end('a', 'commit')
        .note(list('x', 1, 2)),
    'G-single',
  ],
  'dirty read': [
    (kind) =>
      opened(kind)
        .done('a', 1, ['append', 'x', 1])
        .done('b', 1, ['read', 'x', [1]])
        .done('b', 2)
        .done('a', 2)
        .end('a', 'commit')
        .end('b', 'commit'),
  ],
  'dirty total': [
    (kind) =>
      moved(opened(kind), 'forward')
        .row('a', { type: 'branch_done', branch: 1, attempt: 1, output: null })
        .done('b', 1, ['total', 'p', 5]),
  ],
  'torn total': [
    (kind) =>
      moved(opened(kind).done('a', 1).done('a', 2).decide('a', 'rollback'), 'rollback').done('b', 1, ['total', 'p', 5]),
  ],
};

/** Half of a transfer: what it took has not come anywhere. */
const moved = (teller: Teller, phase: 'forward' | 'rollback') => {
  teller.note({ t: 'cell', cell: 'p/ann', when: 'before', amount: 10 });
  // A reservation that takes would be one: it is its own violation.
  return teller.effect('a', 1, phase, { deltas: [['p/ann', -5]] });
};

for (const kind of ['saga', 'tcc', 'xa', 'at'] as const) {
  for (const anomaly of anomalies) {
    const isAllowed = declared[kind].has(anomaly);
    test(`${kind}: ${anomaly} is ${isAllowed ? 'counted' : 'a violation'}`, (t) => {
      const [tell, ...also] = shows[anomaly];
      const { anomalies: found, violations } = tell(kind).verdict();
      t.deepEqual(found.map((each) => each.anomaly).sort(), [anomaly, ...also].sort());
      const counted = found.find((each) => each.anomaly === anomaly);
      t.like(counted, { kinds: kind, isDeclared: isAllowed, count: 1 });
      t.true((counted?.story.length ?? 0) > 0);
      const told = violations.filter(({ what }) => what.includes(`shows ${anomaly},`));
      t.is(told.length, isAllowed ? 0 : 1);
      const others = wrongIn({
        violations: violations.filter(({ invariant }) => !['isolation', 'I9'].includes(invariant)),
      });
      t.deepEqual(
        others.filter((each) => !each.startsWith('I2 undone') && !each.startsWith('I7')),
        [],
      );
    });
  }
}

test('a circle is told as a story that names who did what, in which list', (t) => {
  const { anomalies: found } = shows['G-single'][0]('xa').verdict();
  t.deepEqual(found[0]?.story, [
    'a read x without what b appended next (version 1): so a came before b',
    'a read y, last what b had appended (version 1): so b came before a',
    'No order of a, b explains all of that.',
  ]);
});

test('a circle of strict branches does not hide behind one of lax branches', (t) => {
  const skew = (teller: Teller, of: Kind, [one, other]: readonly [string, string], [x, y]: readonly [string, string]) =>
    teller
      .open(one, [of, of])
      .open(other, [of, of])
      .done(one, 1, ['read', x, []])
      .done(other, 1, ['read', y, []])
      .done(one, 2, ['append', y, 1])
      .done(other, 2, ['append', x, 2])
      .end(one, 'commit')
      .end(other, 'commit')
      .note(list(x, 2), list(y, 1));
  const teller = skew(skew(new Teller(), 'saga', ['a', 'b'], ['x', 'y']), 'xa', ['c', 'd'], ['z', 'w']);
  const { anomalies: found } = teller.verdict();
  t.deepEqual(found.map(({ anomaly, kinds, isDeclared }) => [anomaly, kinds, isDeclared]).sort(), [
    ['G2-item', 'saga', true],
    ['G2-item', 'xa', false],
  ]);
});

test('what no isolation explains is a violation of every kind', (t) => {
  const read = (...elements: number[]) => ['read', 'x', elements] as const;
  const wrote = () =>
    new Teller().open('a', ['saga']).open('b', ['saga', 'saga']).done('a', 1, ['append', 'x', 1], ['append', 'x', 2]);
  const end = (teller: Teller) => teller.end('a', 'commit').end('b', 'commit');
  const seen: readonly (readonly [RegExp, Teller])[] = [
    [/^isolation x was read as 1 2 and as 2/, end(wrote().done('b', 1, read(1, 2)).done('b', 2, read(2)))],
    [
      /^I3 7 was read in x, and nobody put it there/,
      end(
        wrote()
          .done('b', 1, read(1, 2, 7))
          .done('b', 2),
      ),
    ],
    [
      /^isolation b overlooks in x what it put there itself/,
      end(wrote().done('b', 1, ['append', 'x', 3]).done('b', 2, read(1, 2))),
    ],
    [/^I5 1 is put into x twice/, end(wrote().done('b', 1, ['append', 'x', 1]).done('b', 2))],
    [/^I1 2 is committed, and not in x/, end(wrote().done('b', 1).done('b', 2)).note(list('x', 1))],
    [/^I1 1 is rolled back, and still in x/, wrote().end('a', 'rollback').note(list('x', 1))],
  ];
  for (const [pattern, teller] of seen) {
    const found = wrongIn(teller.verdict());
    t.true(
      found.some((each) => pattern.test(each)),
      `expected ${pattern}, got ${JSON.stringify(found)}`,
    );
  }
});
