import { ConcordatError } from '../../sdk/protocol/errors.js';
import { toXid, type Xid } from '../../sdk/protocol/ids.js';
import { isFinal } from '../../sdk/protocol/views.js';
import { type State, statusOf } from '../decide/state.js';
import type { Call, Rooms } from './route.js';

/** Nothing more happens, at least not without a person. */
export function isAtRest(state: State): boolean {
  const status = statusOf(state);
  return isFinal(status) || status === 'parked';
}

export const isDecided = (state: State): boolean => state.decision !== null || isAtRest(state);

/** What is durable is answered even if waiting for more of it fails. */
export async function waitFor(
  { engine, log }: Rooms,
  state: State,
  when: (state: State) => boolean,
  timeoutMs: number,
  { requestId }: Pick<Call, 'requestId'>,
): Promise<State> {
  if (when(state) || timeoutMs === 0) return state;
  try {
    return await engine.until(state.xid, when, timeoutMs);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    log.warn({ xid: state.xid, requestId, error: why }, 'stopped waiting');
    return state;
  }
}

/** The xid of the path. Throws `transaction_not_found` for what cannot be one. */
export function xidOf({ params }: Call): Xid {
  const xid = toXid(params.xid ?? '');
  if (xid) return xid;
  throw notFound(params.xid ?? '');
}

export const notFound = (xid: string): ConcordatError =>
  new ConcordatError(
    'transaction_not_found',
    `there is no transaction ${toXid(xid) ?? JSON.stringify(xid.slice(0, 80))}`,
  );

/** The number of the path. Throws `branch_not_found` for what cannot be one. */
export function branchNumberOf({ params }: Call): number {
  const text = params.n ?? '';
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new ConcordatError(
    'branch_not_found',
    `expected the number of a branch, got ${JSON.stringify(text.slice(0, 20))}`,
  );
}
