import type { InputError } from '../../sdk/protocol/errors.js';
import { limits } from '../../sdk/protocol/limits.js';
import { type TransactionStatus, transactionStatuses } from '../../sdk/protocol/views.js';
import type { ListFilter } from '../store/store.js';
import { invalid, shown } from './check.js';

const limitDefault = 50;
const textMax = 256;
const names = ['status', 'name', 'businessKey', 'participant', 'openedAfter', 'openedBefore', 'limit', 'cursor'];

/** Reads the filters of a list. Throws `invalid_request` with all that is wrong with them. */
export function filterOf(query: string): ListFilter {
  const params = new URLSearchParams(query);
  const findings: InputError[] = [];
  const fail = (pointer: string, expected: string, got: string | undefined): undefined => {
    findings.push({ pointer, message: `expected ${expected}, got ${shown(got)}` });
    return undefined;
  };
  const one = (name: string): string | undefined => {
    const values = params.getAll(name);
    if (values.length > 1) return fail(name, 'it once', `it ${values.length} times`);
    const [value] = values;
    return value === undefined || (value !== '' && value.length <= textMax)
      ? value
      : fail(name, `1 to ${textMax} characters`, value);
  };
  const time = (name: string): number | undefined => {
    const text = one(name);
    return text === undefined
      ? undefined
      : (timeOf(text) ?? fail(name, 'an ISO 8601 time in UTC such as 2030-01-31T12:00:00Z', text));
  };
  for (const name of new Set(params.keys())) if (!names.includes(name)) fail(name, `one of ${names.join(', ')}`, name);
  const statuses = params
    .getAll('status')
    .filter((status) => isStatus(status) || fail('status', `one of ${transactionStatuses.join(', ')}`, status));
  const limit = limitOf(one('limit'));
  if (limit === undefined)
    fail('limit', `a whole number from 1 to ${limits.listMax}`, params.get('limit') ?? undefined);
  const filter = {
    name: one('name'),
    businessKey: one('businessKey'),
    participant: one('participant'),
    openedAfter: time('openedAfter'),
    openedBefore: time('openedBefore'),
    cursor: one('cursor'),
  };
  if (findings.length > 0) throw invalid(findings);
  const given = Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined));
  return { ...given, statuses: statuses as TransactionStatus[], limit: limit ?? limitDefault };
}

const isStatus = (text: string): boolean => transactionStatuses.some((status) => status === text);

function limitOf(text: string | undefined): number | undefined {
  if (text === undefined) return limitDefault;
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  return limit >= 1 && limit <= limits.listMax ? limit : undefined;
}

function timeOf(text: string): number | undefined {
  const at = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,3})?Z$/.test(text) ? Date.parse(text) : Number.NaN;
  // The 30th of February would be read as a day of March.
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(text.slice(0, 10)) ? at : undefined;
}
