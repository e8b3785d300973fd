import { limits } from '../../sdk/protocol/limits.js';
import { invalid } from './check.js';

/** What a `Prefer: wait=N` asks for, in ms; undefined when it does not. Throws `invalid_request` for a bad value. */
export function waitMsOf(prefer: string | readonly string[] | undefined): number | undefined {
  if (prefer === undefined) return undefined;
  for (const preference of String(prefer).split(',')) {
    const [name = '', value = ''] = preference.split(';')[0]?.split('=') ?? [];
    if (name.trim().toLowerCase() !== 'wait') continue;
    const text = value.trim().replace(/^"(.*)"$/, '$1');
    const seconds = /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN;
    if (seconds <= limits.waitSecondsMax) return seconds * 1000;
    const message = `expected wait= and whole seconds from 0 to ${limits.waitSecondsMax}, got ${JSON.stringify(text.slice(0, 40))}`;
    throw invalid([{ pointer: 'Prefer', message }]);
  }
  return undefined;
}
