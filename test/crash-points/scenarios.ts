/** What is run at every crash point: each kind, 1 to 5 branches, in a row or at once, and each way it can end. */
import type { Kind, Phase } from '../../sdk/protocol/kinds.js';
import type { TransactionStatus } from '../../sdk/protocol/views.js';
import type { Step } from '../decide/requests.js';
import { type Does, handlerOf, type Task } from './desk.js';

export interface Scenario {
  /** Of its own: a command line names it. */
  readonly name: string;
  /** Of the kinds that it shows. */
  readonly kind: Kind | 'mixed';
  readonly drive: 'plan' | 'client';
  readonly isParallel: boolean;
  readonly steps: readonly Step[];
  /** What the client asks for in the end, where it drives. */
  readonly lastly: 'commit' | 'rollback' | 'nothing';
  /** Has a deadline soon enough to be met. */
  readonly hasDeadline: boolean;
  /** What the initiator's check says; without one nobody is asked. */
  readonly check: 'commit' | 'rollback' | undefined;
  /** Who looks after it once it parked: mended and retried, or resolved by hand. */
  readonly person: 'retries' | 'resolves' | undefined;
  /** How it may end, wherever anything stops, as long as its client does not. */
  readonly ends: readonly TransactionStatus[];
  /** Another coordinator stands by and adopts what the first one leaves; else the same one starts again. */
  readonly standby: boolean;
}

interface Shape {
  readonly kind: Kind | 'mixed';
  readonly count: number;
  readonly how: 'row' | 'at once';
}

type Rest = Partial<Omit<Scenario, 'name' | 'kind' | 'steps'>> & { readonly ends: readonly TransactionStatus[] };

const mixed: readonly Kind[] = ['saga', 'tcc', 'xa', 'at', 'saga'];
const twoPhased: readonly Kind[] = ['tcc', 'xa', 'at'];

/** What a step does, by its place from 1. */
type Doing = (place: number) => Readonly<Partial<Record<Phase, Does>>> | undefined;
const well: Doing = () => undefined;
const at =
  (wanted: number, does: Readonly<Partial<Record<Phase, Does>>>): Doing =>
  (place) =>
    place === wanted ? does : undefined;

function make(
  shape: Shape,
  what: string,
  doing: Doing,
  rest: Rest,
  change: (step: Step, place: number) => Step = same,
): Scenario {
  const { kind, count, how } = shape;
  const isParallel = how === 'at once';
  const steps = Array.from({ length: count }, (_, index) => {
    const one = kind === 'mixed' ? (mixed[index] ?? 'saga') : kind;
    return change(stepOf(index + 1, one, doing(index + 1), isParallel), index + 1);
  });
  const drive = rest.drive ?? 'plan';
  const standby = rest.standby ?? false;
  const name = `${kind} ${count} ${how}, ${drive}: ${what}${standby ? ', with a standby' : ''}`;
  const none = { lastly: 'commit', hasDeadline: false, check: undefined, person: undefined } as const;
  return { ...none, ...rest, name, kind, drive, isParallel, steps, standby };
}

const same = (step: Step): Step => step;

function stepOf(place: number, kind: Kind, does: Task['does'], isParallel: boolean): Step {
  const task: Task = { cell: place % 2 === 0 ? 'b' : 'a', amount: place, ...(does && { does }) };
  const target = { participant: `p${(place - 1) % 2}`, handler: handlerOf[kind] };
  const input = { ...task } as NonNullable<Step['input']>;
  // What breaks for good is given up soon.
  const retry = does?.forward === 'breaks' && { attemptsMax: 2, initialMs: 50, maxMs: 400, factor: 2 };
  return { id: `s${place}`, kind, target, input, ...(isParallel && { after: [] }), ...(retry && { retry }) };
}

/** Plans of one shape: with each step refused, where they are in a row; the longest with one of them. */
function plans(shape: Shape): readonly Scenario[] {
  const { kind, count, how } = shape;
  const good = make(shape, 'all good', well, { ends: ['committed'] });
  const rolledBack: Rest = { ends: ['rolled_back'] };
  if (kind === 'message') {
    const breaks = at(count, { commit: 'breaks' });
    const mended = make(shape, 'a delivery breaks, mended', breaks, { ends: ['committed'], person: 'retries' });
    return count > 3 ? [good] : [good, mended];
  }
  const places = Array.from({ length: count }, (_, index) => index + 1);
  const refused = (how === 'row' && count <= 3 ? places : [count]).map((place) =>
    make(shape, `step ${place} refused`, at(place, { forward: 'refuses' }), rolledBack),
  );
  if (count === 4) return refused;
  if (count > 3 || how === 'at once') return [good, ...refused];
  return [
    good,
    ...refused,
    make(shape, 'the last one breaks', at(count, { forward: 'breaks' }), rolledBack),
    make(shape, 'the deadline passes', at(count, { forward: 'waits' }), { ...rolledBack, hasDeadline: true }),
  ];
}

/** What the client drives, of one shape. */
function driven(shape: Shape): readonly Scenario[] {
  const { count, how } = shape;
  const client = { drive: 'client' } as const;
  const scenarios = [
    make(shape, 'committed', well, { ...client, ends: ['committed'] }),
    make(shape, 'rolled back', well, { ...client, lastly: 'rollback', ends: ['rolled_back'] }),
    make(shape, 'a refusal caught', at(count, { forward: 'refuses' }), { ...client, ends: ['committed'] }),
    make(shape, 'forgotten until the deadline', well, {
      ...client,
      lastly: 'nothing',
      hasDeadline: true,
      ends: ['rolled_back'],
    }),
  ];
  if (count > 3) return scenarios.slice(0, count === 5 ? 1 : 0);
  return how === 'at once' ? scenarios.slice(0, 2) : scenarios;
}

/** What needs a person: an undo that breaks, and a commit op that is refused. */
function parking(shape: Shape): readonly Scenario[] {
  const { count, kind } = shape;
  const undo: Doing = (place) =>
    place === count ? { forward: 'refuses' } : place === 1 ? { rollback: 'breaks' } : undefined;
  const scenarios = [
    make(shape, 'an undo breaks, mended', undo, { person: 'retries', ends: ['rolled_back'] }),
    make(shape, 'an undo breaks, resolved', undo, { person: 'resolves', ends: ['resolved'] }),
  ];
  if (kind === 'saga') return scenarios;
  const confirm = at(2, { commit: 'refuses' });
  return [
    ...scenarios,
    make(shape, 'a commit op is refused, mended', confirm, { person: 'retries', ends: ['committed'] }),
  ];
}

/** A pivot at each place, what comes after it failing at first. */
function pivots(shape: Shape): readonly Scenario[] {
  return Array.from({ length: shape.count }, (_, index) => index + 1).flatMap((place) => {
    const pivot = (step: Step, at: number): Step => (at === place ? { ...step, pivot: true } : step);
    const refused = at(place, { forward: 'refuses' });
    const scenarios = [
      make(shape, `pivot ${place}, all good`, well, { ends: ['committed'] }, pivot),
      make(shape, `pivot ${place} refused`, refused, { ends: ['rolled_back'] }, pivot),
    ];
    if (place === shape.count) return scenarios;
    const after = at(shape.count, { forward: 'refuses' });
    const resolved: Rest = { person: 'resolves', ends: ['resolved'] };
    return [...scenarios, make(shape, `pivot ${place}, refused after it, resolved`, after, resolved, pivot)];
  });
}

/** The last step, or the first, is one whose outcome comes late. */
function late(shape: Shape): readonly Scenario[] {
  const job = (wanted: number) => (step: Step, at: number) =>
    at === wanted ? { ...step, kind: 'saga' as const, target: { participant: 'p0', handler: 'job' } } : step;
  const { count } = shape;
  return [
    make(shape, 'pending with a late outcome', well, { ends: ['committed'] }, job(count)),
    make(shape, 'pending with a late outcome, then undone', refusedLast(count), { ends: ['rolled_back'] }, job(1)),
  ].slice(0, count === 1 ? 1 : 2);
}

const refusedLast = (count: number): Doing => at(count, { forward: 'refuses' });

/** A message after the work, and the check-back of the two-phase message. */
function messages(shape: Shape): readonly Scenario[] {
  const notify = (step: Step, at: number): Step =>
    at === shape.count ? { ...step, kind: 'message', target: { participant: 'p1', handler: handlerOf.message } } : step;
  const asked = { drive: 'client', lastly: 'nothing', hasDeadline: true } as const;
  return [
    make(shape, 'with a message at the end', well, { ends: ['committed'] }, notify),
    make(shape, 'the check says commit', well, { ...asked, check: 'commit', ends: ['committed'] }, notify),
    make(shape, 'the check says rollback', well, { ...asked, check: 'rollback', ends: ['rolled_back'] }, notify),
  ];
}

function scenariosOf(): readonly Scenario[] {
  const found: Scenario[] = [];
  const kinds: readonly Scenario['kind'][] = ['saga', 'tcc', 'message', 'xa', 'at', 'mixed'];
  for (const kind of kinds) {
    // To the coordinator these are TCC by other words: the long ones are in `mixed`.
    const countMax = kind === 'xa' || kind === 'at' ? 2 : 5;
    for (let count = 1; count <= countMax; count++) found.push(...shaped({ kind, count, how: 'row' }));
  }
  for (let count = 1; count <= 3; count++) {
    found.push(...pivots({ kind: 'saga', count, how: 'row' }));
    found.push(...late({ kind: 'mixed', count, how: 'row' }));
    found.push(...messages({ kind: twoPhased[count - 1] ?? 'tcc', count, how: 'row' }));
  }
  return [...found, ...found.filter(isStoodBy).map(stoodBy)];
}

function shaped(row: Shape): readonly Scenario[] {
  const { kind, count } = row;
  const isSeveral = count > 1 && kind !== 'xa' && kind !== 'at';
  const atOnce = isSeveral ? plans({ ...row, how: 'at once' }) : [];
  if (kind === 'message') return [...plans(row), ...atOnce];
  const found = [...plans(row), ...atOnce, ...driven(row)];
  if (isSeveral && kind !== 'saga' && count <= 3) found.push(...driven({ ...row, how: 'at once' }));
  if (count === 2 && kind !== 'xa' && kind !== 'at') found.push(...parking(row));
  return found;
}

const isStoodBy = ({ steps, kind, isParallel }: Scenario): boolean =>
  steps.length <= 2 && !isParallel && (kind === 'tcc' || (kind === 'mixed' && steps.length === 2));

const stoodBy = (scenario: Scenario): Scenario => ({
  ...scenario,
  name: `${scenario.name}, with a standby`,
  standby: true,
});

export const scenarios: readonly Scenario[] = Object.freeze(scenariosOf());

/** Those that are run at every pair of boundaries as well: of each kind, the shortest that shows each way it can end. */
const paired: ReadonlySet<string> = new Set([
  'saga 1 row, plan: all good',
  'saga 1 row, client: rolled back',
  'saga 2 row, plan: step 2 refused',
  'saga 3 row, plan: step 3 refused',
  'tcc 1 row, plan: all good',
  'tcc 1 row, plan: step 1 refused',
  'tcc 1 row, client: committed',
  'tcc 1 row, client: forgotten until the deadline',
  'tcc 2 row, plan: all good',
  'tcc 2 at once, plan: step 2 refused',
  'message 1 row, plan: all good',
  'xa 1 row, plan: all good',
  'at 1 row, client: rolled back',
  'mixed 2 row, client: committed',
  'mixed 3 row, plan: all good',
  'saga 2 row, plan: pivot 1, all good',
  'mixed 1 row, plan: pending with a late outcome',
  'tcc 1 row, plan: all good, with a standby',
  'mixed 2 row, plan: step 2 refused, with a standby',
]);

export const pairedScenarios: readonly Scenario[] = Object.freeze(scenarios.filter(({ name }) => paired.has(name)));
if (pairedScenarios.length !== paired.size)
  throw new Error(
    `expected a scenario for each of ${[...paired].filter((name) => !scenarios.some((one) => one.name === name)).join('; ')}`,
  );
