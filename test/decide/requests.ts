/** Short ways to write what opens a transaction. */
import type { BranchSpec, Policy } from '../../coordinator/decide/events.js';
import type { InputOf, OpenRequest } from '../../coordinator/decide/inputs.js';
import { hasTemplate } from '../../sdk/protocol/references.js';
import { Machine } from './machine.js';

export const policy: Policy = Object.freeze({
  retry: { attemptsMax: 3, initialMs: 100, maxMs: 1000, factor: 2 },
  callMs: 1000,
  backoff: { initialMs: 100, maxMs: 1000, factor: 2 },
  parkAfterMs: 5000,
  pendingForMs: 3000,
  crashesMax: 2,
});

/** A step as a test writes it; `after` by id, by default the step before. */
export type Step = Partial<Omit<BranchSpec, 'after' | 'id'>> & {
  readonly id: string;
  readonly after?: readonly string[];
};

export function specs(steps: readonly Step[]): BranchSpec[] {
  const numberOf = (id: string) => steps.findIndex((step) => step.id === id) + 1;
  return steps.map(({ id, after, ...rest }, index) => {
    const before = steps[index - 1];
    const names = after ?? (before ? [before.id] : []);
    return spec({ id, ...rest, after: names.map(numberOf) });
  });
}

export function spec({ id, ...rest }: Partial<BranchSpec> & { readonly id: string }): BranchSpec {
  const input = rest.input ?? null;
  const templated = hasTemplate(input) ? { templated: true as const } : {};
  const target = { participant: 'shop', handler: id };
  return { id, kind: 'saga', target, after: [], fingerprint: id, ...rest, input, ...templated };
}

export function request(change: Partial<OpenRequest> = {}): InputOf<'open'> {
  const base: OpenRequest = {
    name: 'checkout',
    origin: 'here',
    businessKey: null,
    metadata: null,
    fingerprint: 'f1',
    drivenBy: 'initiator',
    deadlineAt: null,
    onTimeout: 'rollback',
    check: change.onTimeout === 'ask' ? { participant: 'desk', handler: 'ask' } : null,
    traceId: '0'.repeat(32),
    policy,
    branches: [],
  };
  return { type: 'open', request: { ...base, ...change } };
}

export const plan = (steps: readonly Step[], change: Partial<OpenRequest> = {}): InputOf<'open'> =>
  request({ drivenBy: 'plan', branches: specs(steps), ...change });

/** A machine with a plan that was just opened. */
export function planned(steps: readonly Step[], change: Partial<OpenRequest> = {}): Machine {
  const machine = new Machine();
  machine.put(plan(steps, change));
  return machine;
}

/** A machine whose transaction an initiator drives; the branches are added one after the other, none answered yet. */
export function initiated(ids: readonly (string | Step)[] = [], change: Partial<OpenRequest> = {}): Machine {
  const machine = new Machine();
  machine.put(request(change));
  for (const each of ids) add(machine, each);
  return machine;
}

export function add(machine: Machine, step: string | Step) {
  const { after: _, ...rest } = typeof step === 'string' ? { id: step, after: undefined } : step;
  return machine.put({ type: 'add_branch', spec: spec(rest) });
}
