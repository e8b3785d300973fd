import type { Policy } from '../../coordinator/decide/events.js';
import type { OpenRequest } from '../../coordinator/decide/inputs.js';
import { plan as planOf, request, type Step, policy as short } from '../decide/requests.js';

/** Patient enough that a lease can run out in between. */
export const policy: Policy = {
  ...short,
  parkAfterMs: 60_000,
  retry: { ...short.retry, attemptsMax: 5 },
  crashesMax: 4,
};

export const plan = (steps: readonly Step[], change: Partial<OpenRequest> = {}) => planOf(steps, { policy, ...change });

/** The initiator drives. */
export const initiated = (change: Partial<OpenRequest> = {}) => request({ policy, ...change });
