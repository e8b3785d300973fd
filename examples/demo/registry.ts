import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';
import type { ParticipantView } from '../../sdk/protocol/views.js';

const withinMs = 30_000;
const lookMs = 100;

/** Resolves once so many participants have told the coordinator that they are there. */
export async function registered(coordinator: string, count: number): Promise<readonly ParticipantView[]> {
  const until = performance.now() + withinMs;
  for (;;) {
    const answer = await request(`${coordinator}/v1/participants`);
    const { items } = (await answer.body.json()) as { items: readonly ParticipantView[] };
    if (items.filter(({ instances }) => instances.some(({ alive }) => alive)).length >= count) return items;
    if (performance.now() > until)
      throw new Error(`expected ${count} participants, the coordinator knows ${items.length}`);
    await sleep(lookMs);
  }
}

/** One line for each: its name, what it can do, how many instances take commands. */
export const registryText = (participants: readonly ParticipantView[]): string =>
  participants
    .map(({ name, handlers, instances }) => {
      const can = handlers.map((handler) => `${handler.name} (${handler.kind}${handler.external ? ', external' : ''})`);
      const alive = instances.filter((instance) => instance.alive).length;
      return `  ${name.padEnd(8)} ${can.join(', ')}: ${alive} ${alive === 1 ? 'instance' : 'instances'}\n`;
    })
    .join('');
