import { request } from 'undici';
import type { Told } from './finding.js';

/** Every transaction that the coordinator knows, page by page. */
export async function everyTransaction(coordinator: string): Promise<readonly Told[]> {
  const told: Told[] = [];
  let cursor: string | null = null;
  do {
    const url = new URL('/v1/transactions?limit=500', coordinator);
    if (cursor !== null) url.searchParams.set('cursor', cursor);
    const answer = await request(url);
    if (answer.statusCode !== 200) throw new Error(`${url}: expected 200, got ${answer.statusCode}`);
    const page = (await answer.body.json()) as { items: readonly Told[]; nextCursor: string | null };
    told.push(...page.items.map(({ xid, status }) => ({ xid, status })));
    cursor = page.nextCursor;
  } while (cursor !== null);
  return told;
}
