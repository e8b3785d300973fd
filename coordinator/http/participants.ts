import type { InstanceView, ParticipantView } from '../../sdk/protocol/views.js';
import type { KnownInstance } from '../dispatch/known-instance.js';
import type { KnownParticipant } from '../dispatch/known-participant.js';
import type { Answer, Rooms } from './route.js';
import { iso } from './views.js';

/** Every participant that ever registered, with those of its instances that are still known. */
export async function listParticipants({ registry }: Rooms): Promise<Answer> {
  // What was registered with another coordinator is not here before the next sweep.
  await registry.refresh();
  return { status: 200, body: { items: registry.participants().map(participantView) } };
}

const participantView = (participant: KnownParticipant): ParticipantView => ({
  name: participant.name,
  handlers: [...participant.handlers.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
  resourceGroup: participant.resourceGroup,
  instances: participant.instances.map(instanceView),
});

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
