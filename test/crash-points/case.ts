/** One case: a scenario, what befalls at which boundary, and what is wrong in the end. */
import type { Policy } from '../../coordinator/decide/events.js';
import type { Input, InputOf, OpenRequest, Resolution } from '../../coordinator/decide/inputs.js';
import { statusOf } from '../../coordinator/decide/state.js';
import { foldLog } from '../../coordinator/engine/deciding.js';
import type { Xid } from '../../sdk/protocol/ids.js';
import { plan, request, policy as short } from '../decide/requests.js';
import { World } from '../engine/clock.js';
import { check } from '../simulation/checker.js';
import type { History } from '../simulation/history.js';
import type { Scenario } from './scenarios.js';
import type { Strike, Where } from './seams.js';
import { memoryVault, Site, type Vault } from './site.js';

/** Patient enough that two stops, one after the other, use up nothing. */
const policy: Policy = Object.freeze({
  ...short,
  retry: { attemptsMax: 12, initialMs: 100, maxMs: 800, factor: 2 },
  callMs: 250,
  backoff: { initialMs: 100, maxMs: 1500, factor: 3 },
  parkAfterMs: 4000,
  pendingForMs: 20_000,
  crashesMax: 6,
});

/** Everything must be final or parked within so long (I10). */
const boundMs = 60_000;
const deadlineMs = 3000;
/** Longer than any command holds. */
const afterglowMs = 300;

export interface Outcome {
  readonly violations: readonly string[];
  /** Up to the end; what a repeat of the client's requests reached is not in it. */
  readonly reached: readonly Where[];
  readonly status: string;
  readonly simulatedMs: number;
  readonly story: readonly string[] | undefined;
}

export interface Circumstances {
  readonly vault?: Vault;
  readonly xid?: Xid;
  readonly keepStory?: boolean;
}

export async function run(
  scenario: Scenario,
  strikes: readonly Strike[] = [],
  { vault = memoryVault(), xid = 'x1' as Xid, keepStory = false }: Circumstances = {},
): Promise<Outcome> {
  const story: string[] | undefined = keepStory ? [] : undefined;
  const site = new Site(scenario, strikes, vault, xid, story);
  const open = openingOf(scenario, vault);
  await site.start();
  void site.client.live(scenario, open);
  const isSettled = await settle(site);
  if (isSettled && site.status === 'parked' && scenario.person) await personComes(site, scenario, vault);
  const ended = site.isSettled() && (site.status !== 'parked' || site.client.isGone);
  const reached = site.seams.reached.slice();
  await site.world.advance(afterglowMs);
  if (site.status && !site.client.isGone) await repeat(site, open, strikes.length === 0);
  site.stop();
  const history = await site.history();
  const violations = [...wrong(scenario, site, history, isSettled && ended, vault.isRepeatable)];
  return { violations, reached, status: site.status ?? 'absent', simulatedMs: site.world.ms, story };
}

function openingOf(scenario: Scenario, { identity }: Vault): InputOf<'open'> {
  const { drive, steps, hasDeadline, check } = scenario;
  const change: Partial<OpenRequest> = {
    policy,
    origin: identity.origin,
    deadlineAt: hasDeadline ? World.start + deadlineMs : null,
    ...(check && { onTimeout: 'ask' as const, check: { participant: 'p0', handler: 'ask' } }),
  };
  return drive === 'plan'
    ? plan(steps, change)
    : request({ ...change, deadlineAt: World.start + (hasDeadline ? deadlineMs : 30_000) });
}

const settle = (site: Site): Promise<boolean> => site.world.runUntil(() => site.isSettled(), boundMs);

/** Somebody looks after what parked. */
async function personComes(site: Site, { person }: Scenario, vault: Vault): Promise<void> {
  // What parked may still be on its way: nobody decides by hand before that is over.
  await site.world.advance(afterglowMs);
  const { client } = site;
  site.isMended = true;
  const state = foldLog(await vault.rows(site.xid));
  const parked = state?.branches.filter(({ stage }) => stage.at === 'parked') ?? [];
  const branches: readonly Resolution[] = parked.map(({ number }) => ({
    branch: number,
    as: 'skipped',
    output: null,
    reason: 'by hand',
  }));
  let isDone = false;
  // Each time it is asked is a deed of its own.
  const deed = (tries: number): Input => {
    const by = `operator ${tries}`;
    return person === 'retries' ? { type: 'retry', by } : { type: 'resolve', branches, by };
  };
  void client.ask(deed).then(() => {
    isDone = true;
  });
  await site.world.runUntil(() => isDone && site.isSettled() && site.status !== 'parked', boundMs);
}

/** I12: what was asked once is asked again. */
async function repeat(site: Site, open: InputOf<'open'>, alsoAnother: boolean): Promise<void> {
  const { client, xid, world } = site;
  const other: InputOf<'open'> = { ...open, request: { ...open.request, fingerprint: 'another' } };
  for (const isSame of alsoAnother ? [true, false] : [true]) {
    const input = isSame ? open : other;
    let got: string | undefined;
    void client.ask(input).then((said) => {
      got = said;
    });
    await world.runUntil(() => got !== undefined, 10_000);
    client.repeats.push({ xid, asked: 'open', isSame, got: got ?? 'nothing' });
  }
}

function* wrong(
  scenario: Scenario,
  site: Site,
  history: History,
  isSettled: boolean,
  isRepeatable: boolean,
): Generator<string> {
  const { xid, status, client, seams } = site;
  const unsettled = isSettled ? [] : [xid];
  const markers = new Map(scenario.check ? [[xid, scenario.check]] : []);
  const found = check(history, { unsettled, markers, databaseClockJumped: false, clocksJumped: false });
  for (const { invariant, what } of found.violations) yield `${invariant} ${what}`;
  // Over real files the order of what happens at once may differ.
  for (const { at, fate } of isRepeatable ? seams.left : [])
    yield `boundary ${at} (${fate}) was not reached: two runs differ`;
  if (client.isGone || !isSettled) return;
  if (!status || !scenario.ends.includes(status))
    yield `ends ${status ?? 'absent'}, expected ${scenario.ends.join(' or ')}`;
  const folded = foldLog([...(history.logs.get(xid) ?? [])]);
  if (folded && statusOf(folded) !== status) yield `I4 the summary says ${status}, the log ${statusOf(folded)}`;
}
