import { namePattern } from '../protocol/ids.js';
import type { OpenBody, StepBody } from '../protocol/schemas.js';
import { onlyKnown } from './options.js';
import { encodeInput } from './plan-input.js';
import { earlierSteps, type Scope } from './plan-references.js';
import { addressOf } from './plan-targets.js';
import type { Known, MessageStepOptions, PlanOf, PlanOptions, StepOptions, Target } from './plan-types.js';

/**
 * Begins a plan, which the coordinator drives:
 *
 * ```ts
 * const checkout = plan('checkout')
 *   .step('order', on<OrderService>('order').create, { customer, lines })
 *   .step('payment', on<PaymentService>('payment').charge, ({ order }) => ({ orderId: order.orderId }));
 * await client.submit(checkout, { waitSeconds: 10 });
 * ```
 *
 * An input function gets references, which stand for outputs that are not there yet. They can be put into the input, whole
 * or by their members; text, arithmetic, spreading and the like throw at once. What JavaScript lets nobody notice does not:
 * `!order.id`, `order.id === 7`, `order.id ? 1 : 2` and `Boolean(order.id)` see an object, whatever the output will be. Let
 * the handler decide instead.
 *
 * The types carry at most about 90 steps; a longer plan is written as the body that `client.submit` takes.
 */
export function plan(name: string): PlanOf<Readonly<Record<never, Known>>, never> {
  if (typeof name !== 'string' || name === '')
    throw new TypeError(`name: expected a text that says what the plan is for, got ${JSON.stringify(name)}`);
  // The types grow with the plan; the code is the same for all of them.
  return new GrowingPlan({ name, steps: [] }) as unknown as PlanOf<Readonly<Record<never, Known>>, never>;
}

type Steps = readonly StepBody[];
type Body = OpenBody & { readonly steps: Steps };

/** Its own fields are the body of the request and never change. */
class GrowingPlan {
  readonly #body: Body;

  constructor(body: Body) {
    this.#body = body;
    Object.freeze(Object.assign(this, body, { steps: Object.freeze(body.steps) }));
  }

  step(id: string, target: Target, input: unknown, options: StepOptions = {}): GrowingPlan {
    const where = `step ${id}`;
    const { after, retry, timeoutMs, pivot } = onlyKnown(options, stepOptions, where);
    const address = addressOf(target, where);
    return this.#add({ id, ...address, ...given({ after, retry, timeoutMs, pivot }) }, input, where);
  }

  message(id: string, target: Target, input: unknown, options: MessageStepOptions = {}): GrowingPlan {
    const where = `message ${id}`;
    const { after, deliverAt, key, timeoutMs } = onlyKnown(options, messageOptions, where);
    const at = deliverAt instanceof Date ? deliverAt.toISOString() : deliverAt;
    const address = { ...addressOf(target, where), kind: 'message' as const };
    return this.#add({ id, ...address, ...given({ after, deliverAt: at, key, timeoutMs }) }, input, where);
  }

  with(options: PlanOptions): GrowingPlan {
    const { check, ...rest } = onlyKnown(options, planOptions, 'with');
    const asked = check && given({ url: check.url, participant: check.participant, handler: check.handler });
    return new GrowingPlan({ ...this.#body, ...given({ ...rest, check: asked }) });
  }

  #add(step: StepBody, input: unknown, where: string): GrowingPlan {
    const { steps } = this.#body;
    checkPlace(step, steps, where);
    const encoded = inputOf(input, step, steps, where);
    const added = Object.freeze({ ...step, ...(encoded !== undefined && { input: encoded }) });
    return new GrowingPlan({ ...this.#body, steps: [...steps, added] });
  }
}

const stepOptions = ['after', 'retry', 'timeoutMs', 'pivot'] as const;
const messageOptions = ['after', 'deliverAt', 'key', 'timeoutMs'] as const;
const planOptions = ['xid', 'businessKey', 'timeoutMs', 'onTimeout', 'check', 'metadata'] as const;

/** Without what is undefined. */
const given = <Fields extends object>(fields: Fields): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Fields;

function checkPlace({ id, after = [] }: StepBody, steps: Steps, where: string): void {
  if (!namePattern.test(id))
    throw new TypeError(`${where}: expected as id a letter, then at most 63 letters, digits, "_" or "-"`);
  if (steps.some((step) => step.id === id)) throw new TypeError(`${where}: a step of this plan has this id already`);
  const unknown = after.find((name) => !steps.some((step) => step.id === name));
  if (unknown === undefined) return;
  const names = steps.map((step) => step.id).join(', ') || 'none';
  throw new TypeError(`${where}: after: expected ids of steps added before (${names}), got ${JSON.stringify(unknown)}`);
}

function inputOf(input: unknown, step: StepBody, steps: Steps, where: string): StepBody['input'] {
  if (typeof input !== 'function') return encodeInput(input, `${where}: input`);
  const scope: Scope = { step: step.id, isOpen: true };
  try {
    const answering = new Set(
      [...comingBefore(step, steps)].flatMap(({ id, kind }) => (kind === 'message' ? [] : [id])),
    );
    const earlier = earlierSteps(answering, new Set(steps.map(({ id }) => id)), scope);
    return encodeInput(input(earlier), `${where}: input`, scope);
  } finally {
    scope.isOpen = false;
  }
}

/** Every step that comes before, through others too. */
function comingBefore(step: StepBody, steps: Steps): ReadonlySet<StepBody> {
  const found = new Set<StepBody>();
  const rightBefore = ({ after }: StepBody, index: number): Steps =>
    after ? steps.filter(({ id }) => after.includes(id)) : steps.slice(Math.max(0, index - 1), index);
  const rest = [...rightBefore(step, steps.length)];
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    if (found.has(next)) continue;
    found.add(next);
    rest.push(...rightBefore(next, steps.indexOf(next)));
  }
  return found;
}
