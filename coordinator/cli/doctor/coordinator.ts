import type { ParticipantView, TransactionSummaryView } from '../../../sdk/protocol/views.js';
import type { Chance, Clock } from '../../clock.js';
import { clockOf } from './clocks.js';
import { causeOf, type Finding, ok, problem } from './finding.js';
import { codeOf, type Probed, type ProbeOptions, probe } from './probe.js';
import { oldOf, parkedOf } from './store.js';

export interface CoordinatorLook {
  readonly url: string;
  readonly apiKey: string | undefined;
  readonly clock: Clock;
  readonly chance: Chance;
}

export interface CoordinatorSeen {
  readonly findings: readonly Finding[];
  /** Undefined where it could not be asked. */
  readonly participants: readonly ParticipantView[] | undefined;
  readonly isReachable: boolean;
}

/** Whether it answers, can work, and lets this key in; and what it says of transactions that take long. */
export async function lookAtCoordinator(look: CoordinatorLook): Promise<CoordinatorSeen> {
  const ask = (path: string, options?: ProbeOptions): Promise<Probed> =>
    probe(look.url.replace(/\/$/, '') + path, look.clock, {
      ...options,
      headers: { ...options?.headers, ...(look.apiKey !== undefined && { authorization: `Bearer ${look.apiKey}` }) },
    });
  let alive: Probed;
  try {
    alive = await ask('/healthz');
  } catch (error) {
    const none = problem(
      'coordinator',
      `none answers at ${look.url}: ${causeOf(error)}`,
      'start "concordat serve", or set CONCORDAT_URL to where it listens',
    );
    return { findings: [none], participants: undefined, isReachable: false };
  }
  const listed = await ask('/v1/participants');
  const findings = [
    isAlive(alive, look.url),
    ...readyOf(await ask('/readyz')),
    ...clockOf('coordinator', 'the coordinator', alive.aheadMs),
    await keyOf(look, ask, listed),
  ];
  if (listed.status !== 200) return { findings, participants: undefined, isReachable: true };
  const { items } = listed.body as { readonly items: readonly ParticipantView[] };
  return {
    findings: [...findings, ...(await transactionsOf(ask, look.clock))],
    participants: items,
    isReachable: true,
  };
}

const isAlive = ({ status }: Probed, url: string): Finding =>
  status === 200
    ? ok('coordinator', `answers at ${url}`)
    : problem(
        'coordinator',
        `what answers at ${url} is no coordinator: status ${status} for /healthz`,
        'set CONCORDAT_URL to where the coordinator listens',
      );

const readyOf = (ready: Probed): readonly Finding[] =>
  ready.status === 200
    ? [ok('coordinator', 'ready: its store answers')]
    : [
        problem(
          'coordinator',
          `not ready: ${codeOf(ready) ?? `status ${ready.status}`}`,
          'see its log; it answers 503 until its store does',
        ),
      ];

/** Asks for something that changes nothing where it is let in: a retry of a transaction that there is not. */
async function keyOf(
  { apiKey, chance }: CoordinatorLook,
  ask: (path: string, options?: ProbeOptions) => Promise<Probed>,
  listed: Probed,
): Promise<Finding> {
  const given = apiKey === undefined ? 'without a key' : 'this key';
  if (listed.status === 401)
    return problem('coordinator', `${given}, it lets nobody in`, 'set CONCORDAT_API_KEY to a key of this coordinator');
  if (listed.status === 403)
    return problem('coordinator', `${given} may not even look`, 'use a key with the role viewer or more');
  const post: ProbeOptions = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' };
  const operates = await ask(`/v1/transactions/doctor-${chance.id()}/retry`, post);
  if (operates.status !== 403) return ok('coordinator', `${given} may do what an operator does`);
  const opens = await ask('/v1/transactions', post);
  const role = opens.status === 403 ? 'viewer: it may look' : 'client: it may open transactions';
  return ok('coordinator', `${given} is of a ${role}; retry, resolve and the like need an operator's`);
}

const pageMax = 500;
const dayMs = 24 * 3600 * 1000;

async function transactionsOf(ask: (path: string) => Promise<Probed>, clock: Clock): Promise<readonly Finding[]> {
  const page = async (
    query: string,
  ): Promise<{ readonly items: readonly TransactionSummaryView[]; readonly nextCursor: string | null }> => {
    const { status, body } = await ask(`/v1/transactions?limit=${pageMax}&${query}`);
    return status === 200 ? (body as never) : { items: [], nextCursor: null };
  };
  const parked = await page('status=parked');
  const before = new Date(clock.now() - dayMs).toISOString();
  const old = await page(`status=active&status=committing&status=rolling_back&openedBefore=${before}`);
  const oldest = old.items.at(-1);
  return [
    ...parkedOf(parked.items.length, parked.nextCursor === null ? '' : ' or more'),
    ...(oldest
      ? oldOf(old.items.length, clock.now() - Date.parse(oldest.openedAt))
      : [ok('transactions', 'none has been under way for a day')]),
  ];
}
