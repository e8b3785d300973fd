/** Which transactions are looked at, and what may go wrong in each. */
import type { Input } from '../../coordinator/decide/inputs.js';
import type { Kind } from '../../sdk/protocol/kinds.js';
import { plan, request, type Step, spec } from '../decide/requests.js';
import { policy } from './ageing.js';
import { readyDesk } from './desk.js';
import { now } from './fenced.js';
import type { Scope } from './transaction.js';
import type { Budget } from './world.js';

type Shape = Pick<Scope, 'open' | 'requests' | 'desk'>;

const planOf = (...steps: readonly Step[]) => plan(steps, { policy });
const add = (id: string, kind: Kind): Input => ({ type: 'add_branch', spec: spec({ id, kind }) });
const commit: Input = { type: 'commit' };
const rollback: Input = { type: 'rollback', reason: 'asked' };
const rollbackOnly: Input = { type: 'rollback_only', reason: 'asked' };
/** The initiator goes away: its transaction ends by itself. */
const deadlineAt = now + 1;

const shapes = {
  'a saga step': { open: planOf({ id: 'a' }), requests: [rollback] },
  'a sequence': { open: planOf({ id: 'a' }, { id: 'b', kind: 'tcc' }) },
  'a sequence that is stopped': { open: planOf({ id: 'a' }, { id: 'b', kind: 'tcc' }), requests: [rollback] },
  'a group': { open: planOf({ id: 'a', after: [] }, { id: 'b', kind: 'tcc', after: [] }) },
  'a pivot and a message': { open: planOf({ id: 'a' }, { id: 'p', pivot: true }, { id: 'm', kind: 'message' }) },
  'a fork': {
    open: planOf({ id: 'a' }, { id: 'b', kind: 'tcc', after: ['a'] }, { id: 'c', kind: 'message', after: ['a'] }),
  },
  'an initiator': { open: request({ policy, deadlineAt }), requests: [add('a', 'tcc'), commit, rollbackOnly] },
  'an initiator of two': {
    open: request({ policy, deadlineAt }),
    requests: [add('a', 'saga'), add('b', 'tcc'), commit],
  },
  'a check-back': {
    open: request({ policy, deadlineAt, onTimeout: 'ask' }),
    requests: [add('m', 'message')],
    desk: readyDesk,
  },
  'a check-back with a step': {
    open: request({ policy, deadlineAt, onTimeout: 'ask' }),
    requests: [add('a', 'tcc'), add('m', 'message')],
    desk: readyDesk,
  },
} as const satisfies Record<string, Shape>;

export type ShapeName = keyof typeof shapes;

export function scope(shape: ShapeName, budget: Partial<Budget> = {}): Scope {
  const faults = Object.entries(budget).map(([what, often]) => `${often} ${what}`);
  return { name: [shape, ...faults].join(', '), ...shapes[shape], budget };
}
