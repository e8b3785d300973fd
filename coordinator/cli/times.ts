/** Times and durations as people read and write them. */
import { UsageError } from './exit.js';

const units = [
  { letter: 'd', name: 'day', ms: 86_400_000 },
  { letter: 'h', name: 'hour', ms: 3_600_000 },
  { letter: 'm', name: 'minute', ms: 60_000 },
  { letter: 's', name: 'second', ms: 1000 },
] as const;

/** `3 minutes 20 seconds`: the largest unit that fits, and the one below it. */
export function span(ms: number): string {
  const whole = Math.max(0, Math.round(ms / 1000)) * 1000;
  const at = units.findIndex((unit) => whole >= unit.ms);
  const unit = units[at];
  if (!unit) return 'less than a second';
  const count = Math.floor(whole / unit.ms);
  const below = units[at + 1];
  const rest = below ? Math.floor((whole % unit.ms) / below.ms) : 0;
  return [counted(count, unit.name), ...(below && rest > 0 ? [counted(rest, below.name)] : [])].join(' ');
}

export const counted = (count: number, name: string): string => `${count} ${name}${count === 1 ? '' : 's'}`;

/** `2030-01-01T12:00:00.000Z (in 20 seconds)` */
export function moment(iso: string, now: number): string {
  const ms = Date.parse(iso) - now;
  const away = span(Math.abs(ms));
  return `${iso} (${ms >= 0 ? `in ${away}` : `${away} ago`})`;
}

/** A point in the past, UTC ms: an ISO 8601 time, or how long ago as `30d`, `12h`, `90m`. Throws UsageError. */
export function pastOf(flag: string, text: string, now: number): number {
  const [, digits, letter] = /^(\d{1,6})([dhms])$/.exec(text) ?? [];
  const unit = units.find((each) => each.letter === letter);
  if (unit) return now - Number(digits) * unit.ms;
  const at = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d))?$/.test(text)
    ? Date.parse(text)
    : Number.NaN;
  if (Number.isNaN(at))
    throw new UsageError(
      `${flag}: expected a time such as 2030-01-31T00:00:00Z or an age such as 30d or 12h, got ${JSON.stringify(text.slice(0, 60))}`,
    );
  if (at > now) throw new UsageError(`${flag}: expected a time in the past, got ${text}`);
  return at;
}

/** `1.5 GiB` */
export function size(bytes: number): string {
  const names = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let at = 0;
  for (; value >= 1024 && at < names.length - 1; at++) value /= 1024;
  return `${at === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${names[at]}`;
}
