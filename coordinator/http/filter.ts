import { listQuery } from '../../sdk/protocol/schemas.js';
import type { ListFilter } from '../store/store.js';
import { readQuery } from './query.js';

const limitDefault = 50;

/** Reads the filters of a list. Throws `invalid_request` with all that is wrong with them. */
export function filterOf(query: string): ListFilter {
  const {
    status: statuses = [],
    openedAfter,
    openedBefore,
    limit = limitDefault,
    ...texts
  } = readQuery(listQuery, query);
  return {
    ...texts,
    ...(openedAfter !== undefined && { openedAfter: Date.parse(openedAfter) }),
    ...(openedBefore !== undefined && { openedBefore: Date.parse(openedBefore) }),
    statuses,
    limit,
  };
}
