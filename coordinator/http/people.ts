/** What a person does about a transaction that is stuck. */
import { ConcordatError, type InputError } from '../../sdk/protocol/errors.js';
import type { Json } from '../../sdk/protocol/json.js';
import { emptyBody, type ResolveBody, resolveBody } from '../../sdk/protocol/schemas.js';
import type { Resolution } from '../decide/inputs.js';
import { check, invalid } from './check.js';
import type { Answer, Call, Rooms } from './route.js';
import { transactionView } from './views.js';
import { xidOf } from './waiting.js';

export async function retry({ engine, clock }: Rooms, call: Call): Promise<Answer> {
  const xid = xidOf(call);
  check(emptyBody, call.body);
  const { state } = await engine.handle(xid, { type: 'retry', by: call.by }, call);
  return { status: 200, body: transactionView(state, clock.now()) };
}

/** Where two persons are needed, the first one's answer is 202, with the proposal that waits for another. */
export async function resolve({ engine, clock, twoPersons = false }: Rooms, call: Call): Promise<Answer> {
  const xid = xidOf(call);
  const branches = resolutionsOf(check(resolveBody, call.body));
  const { state } = await engine.handle(xid, { type: 'resolve', branches, by: call.by, twoPersons }, call);
  return { status: state.proposal?.by === call.by ? 202 : 200, body: transactionView(state, clock.now()) };
}

function resolutionsOf({ branches }: ResolveBody): readonly Resolution[] {
  const findings: InputError[] = [];
  const seen = new Set<number>();
  const resolutions: Resolution[] = [];
  for (const [index, { branch, as, output, reason }] of branches.entries()) {
    if (seen.has(branch))
      findings.push({
        pointer: `/branches/${index}/branch`,
        message: `expected each branch once, got ${branch} again`,
      });
    seen.add(branch);
    if (as === 'forced' || as === 'kept') {
      throw new ConcordatError(
        'not_available',
        `"${as}" comes with the automatic undo of a later version; use "done" or "skipped"`,
      );
    }
    if (as === 'skipped' && output !== undefined) {
      findings.push({ pointer: `/branches/${index}/output`, message: 'expected none with as "skipped", got one' });
    }
    resolutions.push({ branch, as, output: (output ?? null) as Json, reason });
  }
  if (findings.length > 0) throw invalid(findings);
  return resolutions;
}
