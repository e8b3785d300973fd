import { namePattern } from '../../sdk/protocol/ids.js';
import { participantBody } from '../../sdk/protocol/schemas.js';
import type { InstanceView, ParticipantView } from '../../sdk/protocol/views.js';
import type { Controlled } from '../dispatch/controls.js';
import type { KnownInstance } from '../dispatch/known-instance.js';
import type { KnownParticipant } from '../dispatch/known-participant.js';
import { recordOf } from './audit.js';
import { check, invalid, shown } from './check.js';
import type { Answer, Call, Rooms } from './route.js';
import { iso } from './views.js';

/** Every participant that ever registered, with those of its instances that are still known; and origins of URLs. */
export async function listParticipants({ registry, controls }: Rooms): Promise<Answer> {
  // What was registered with another coordinator is not here before the next sweep.
  await registry.refresh();
  const known = new Map(registry.participants().map((participant) => [participant.name, participant]));
  const names = [...new Set([...known.keys(), ...controls.names()])].sort();
  const items = names.map((name) => participantView(controls.of(name), known.get(name)));
  return { status: 200, body: { items } };
}

/** Sets limits and pauses: durable, here at once, with other coordinators by their next sweep. */
export async function changeParticipant({ registry, controls, clock }: Rooms, call: Call): Promise<Answer> {
  const name = targetOf(call);
  const { limits, paused } = check(participantBody, call.body);
  const none = { concurrency: null, perSecond: null };
  const audit = recordOf(
    call,
    { participant: name, action: 'change_participant', detail: { limits, paused } },
    clock.now(),
  );
  await controls.change({ name, ...(limits === null ? none : limits), paused }, audit);
  const known = registry.participants().find((participant) => participant.name === name);
  return { status: 200, body: participantView(controls.of(name), known) };
}

/** Of a participant that may come yet, or a web origin as `new URL().origin` writes it. Throws `invalid_request`. */
function targetOf({ params: { name = '' } }: Call): string {
  if (namePattern.test(name)) return name;
  const url = URL.canParse(name) ? new URL(name) : undefined;
  if (url && /^https?:$/.test(url.protocol) && [url.origin, `${url.origin}/`].includes(url.href)) return url.origin;
  const expected = 'the name of a participant, or an origin such as https://api.example.com';
  throw invalid([{ pointer: 'name', message: `expected ${expected}, got ${shown(name)}` }]);
}

function participantView({ name, limits, health }: Controlled, known: KnownParticipant | undefined): ParticipantView {
  const { concurrency, perSecond, paused } = limits;
  return {
    name,
    limits: { concurrency, perSecond },
    paused,
    health: { ...health, since: health.since === null ? null : iso(health.since) },
    handlers: [...(known?.handlers.values() ?? [])].sort((a, b) => (a.name < b.name ? -1 : 1)),
    resourceGroup: known?.resourceGroup ?? null,
    instances: known?.instances.map(instanceView) ?? [],
  };
}

const instanceView = ({ row, isAlive }: KnownInstance): InstanceView => ({
  id: row.id,
  url: row.url,
  batch: row.batch,
  sdk: row.sdk,
  registeredAt: iso(row.registeredAt),
  renewedAt: iso(row.renewedAt),
  expiresAt: iso(row.renewedAt + row.ttlMs),
  alive: isAlive,
});
