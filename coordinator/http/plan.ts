/** What must hold of a plan beyond the shape of its steps. */
import { ConcordatError, type InputError } from '../../sdk/protocol/errors.js';
import type { Json } from '../../sdk/protocol/json.js';
import type { Kind } from '../../sdk/protocol/kinds.js';
import { limits, type Retry } from '../../sdk/protocol/limits.js';
import { hasTemplate, referencesIn } from '../../sdk/protocol/references.js';
import type { BranchBody, StepBody } from '../../sdk/protocol/schemas.js';
import type { BranchSpec, Policy } from '../decide/events.js';
import { findingsMax, shown } from './check.js';
import { type Graph, graphOf } from './graph.js';
import { kindOf, type Surroundings, targetOf } from './targets.js';

/** What a request may leave out, and how long the request was. */
export interface Reading extends Surroundings {
  readonly policy: Policy;
  readonly bodyBytes: number;
}

/** The branches of a plan; findings say why there are none. */
export function branchesOf(
  steps: readonly StepBody[],
  reading: Reading,
  findings: InputError[],
): readonly BranchSpec[] {
  const graph = graphOf(steps, findings);
  const specs: (BranchSpec | undefined)[] = [];
  for (const [index, step] of steps.entries()) {
    if (findings.length >= findingsMax) return [];
    const spec = specOf(step, `/steps/${index}`, reading, findings);
    const after = (graph?.after[index] ?? []).map((earlier) => earlier + 1);
    specs.push(
      spec && {
        ...spec,
        after,
        ...(step.pivot && { pivot: true }),
        ...(hasTemplate(spec.input) && { templated: true }),
      },
    );
  }
  if (!graph) return [];
  pivotFindings(steps, graph, findings);
  referenceFindings(steps, specs, graph, findings);
  return specs.filter((spec) => spec !== undefined);
}

/** A branch without its place in a plan; undefined when something is wrong with it. */
export function specOf(
  step: StepBody | BranchBody,
  pointer: string,
  reading: Reading,
  findings: InputError[],
): BranchSpec | undefined {
  const before = findings.length;
  const target = targetOf(step, pointer, reading, findings);
  const kind = target && kindOf(step.kind, target, pointer, reading, findings);
  messageFindings(step, kind ?? step.kind, pointer, findings);
  const input = (step.input ?? null) as Json;
  sizeFinding(input, limits.stepInputBytes, `${pointer}/input`, reading.bodyBytes, findings);
  const retry = step.retry && retryOf(step.retry, reading.policy.retry, `${pointer}/retry`, findings);
  if (!target || !kind || findings.length > before) return undefined;
  return {
    id: step.id,
    kind,
    target,
    input,
    after: [],
    ...(retry && { retry }),
    ...(step.timeoutMs !== undefined && { timeoutMs: step.timeoutMs }),
    ...(step.deliverAt !== undefined && { deliverAt: Date.parse(step.deliverAt) }),
  };
}

/** What only a message has, and what it cannot have. Throws `not_available` for a key. */
function messageFindings(
  step: StepBody | BranchBody,
  kind: Kind | undefined,
  pointer: string,
  findings: InputError[],
): void {
  if (kind === 'message') {
    const pivot = 'pivot' in step && step.pivot;
    if (step.retry !== undefined)
      findings.push({ pointer: `${pointer}/retry`, message: 'expected none: a message has no forward op' });
    if (pivot)
      findings.push({ pointer: `${pointer}/pivot`, message: 'expected none: a message is delivered after the commit' });
    if (step.key === undefined || findings.length > 0) return;
    throw new ConcordatError(
      'not_available',
      `${pointer}/key: messages in order per key come with a later version; without a key a message is delivered at least once`,
      [{ pointer: `${pointer}/key`, message: 'expected none in this version, got one' }],
    );
  }
  for (const field of ['key', 'deliverAt'] as const) {
    if (step[field] !== undefined)
      findings.push({ pointer: `${pointer}/${field}`, message: 'expected none: it is for messages only' });
  }
}

function retryOf(said: NonNullable<StepBody['retry']>, policy: Retry, pointer: string, findings: InputError[]): Retry {
  const initialMs =
    said.initialMs ?? (said.maxMs === undefined ? policy.initialMs : Math.min(policy.initialMs, said.maxMs));
  const maxMs = said.maxMs ?? Math.max(policy.maxMs, initialMs);
  if (maxMs < initialMs) {
    findings.push({ pointer: `${pointer}/maxMs`, message: `expected at least initialMs (${initialMs}), got ${maxMs}` });
  }
  return {
    attemptsMax: said.attemptsMax ?? policy.attemptsMax,
    initialMs,
    maxMs,
    factor: said.factor ?? policy.factor,
  };
}

/** No JSON text grows more than this when it is read and written again (1e20 becomes 21 digits). */
const growthMax = 8;

/** Whether a value is too large, which a small body spares measuring. */
export function sizeFinding(
  value: unknown,
  bytesMax: number,
  pointer: string,
  bodyBytes: number,
  findings: InputError[],
): void {
  if (bodyBytes * growthMax <= bytesMax || value === undefined) return;
  const bytes = Buffer.byteLength(JSON.stringify(value));
  if (bytes > bytesMax) findings.push({ pointer, message: `expected at most ${bytesMax} bytes of JSON, got ${bytes}` });
}

/** Every other step is before or after the pivot: nothing may be both undecided and past it. */
function pivotFindings(steps: readonly StepBody[], graph: Graph, findings: InputError[]): void {
  const pivot = steps.findIndex((step) => step.pivot);
  if (pivot < 0) return;
  for (let index = 0; index < steps.length && findings.length < findingsMax; index++) {
    if (index === pivot) continue;
    if (steps[index]?.pivot) {
      findings.push({
        pointer: `/steps/${index}/pivot`,
        message: `expected at most one pivot, got this one and step ${pivot}`,
      });
    } else if (!graph.comesBefore(index, pivot) && !graph.comesBefore(pivot, index)) {
      const message = `expected a step before or after the pivot ${shown(steps[pivot]?.id)}, got one beside it`;
      findings.push({ pointer: `/steps/${index}/after`, message });
    }
  }
}

function referenceFindings(
  steps: readonly StepBody[],
  specs: readonly (BranchSpec | undefined)[],
  graph: Graph,
  findings: InputError[],
): void {
  for (const [index, { input }] of steps.entries()) {
    if (input === undefined || !hasTemplate(input as Json)) continue;
    for (const { reference, pointer } of referencesIn(input as Json, `/steps/${index}/input`)) {
      if (findings.length >= findingsMax) return;
      const earlier = graph.indexOf.get(reference.step);
      const objection = objectionTo(earlier, index, specs, graph);
      if (objection)
        findings.push({ pointer: `${pointer}/$from`, message: `${objection}, got ${shown(reference.text)}` });
    }
  }
}

function objectionTo(
  earlier: number | undefined,
  index: number,
  specs: readonly (BranchSpec | undefined)[],
  graph: Graph,
): string | undefined {
  if (earlier === undefined) return 'expected the id of a step and a path into its output';
  if (!graph.comesBefore(earlier, index)) return 'expected a step that comes before this one';
  return specs[earlier]?.kind === 'message' ? 'expected a step with an output, which a message has not' : undefined;
}
