import { ConcordatError } from '../../sdk/protocol/errors.js';
import type { Answer, Rooms } from './route.js';

/** The process answers; it says nothing of the store. */
export const alive = (): Answer => ({ status: 200, body: { status: 'alive' } });

/** Can take work. Throws `stopping` or what the store says. */
export async function ready({ store, stopping }: Rooms): Promise<Answer> {
  if (stopping()) throw new ConcordatError('stopping', 'the coordinator is stopping');
  await store.now();
  return { status: 200, body: { status: 'ready' } };
}
