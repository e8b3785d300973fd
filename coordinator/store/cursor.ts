import { toXid, type Xid } from '../../sdk/protocol/ids.js';
import { StoreError } from './store.js';

/** The last row of a page; the next page holds what is older. */
export interface Position {
  readonly openedAt: number;
  readonly xid: Xid;
}

export const toCursor = ({ openedAt, xid }: Position): string =>
  Buffer.from(`${openedAt} ${xid}`).toString('base64url');

/** Reads a cursor strictly: only a text that {@link toCursor} could have written is one. */
export function fromCursor(cursor: string): Position {
  const [, at = '', text = ''] = /^(0|-?[1-9][0-9]*) (.+)$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  const xid = toXid(text);
  const openedAt = Number(at);
  if (at !== '' && xid && Number.isSafeInteger(openedAt) && toCursor({ openedAt, xid }) === cursor) {
    return { openedAt, xid };
  }
  throw new StoreError('bad_cursor', 'expected a cursor as nextCursor gave it');
}
