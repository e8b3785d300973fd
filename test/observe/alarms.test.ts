import test from 'ava';
import { Alarms } from '../../coordinator/observe/alarms.js';
import type { Xid } from '../../sdk/protocol/ids.js';

function ringing() {
  const lines: string[] = [];
  const note = (fields: object, message: string) => void lines.push(`${JSON.stringify(fields)} ${message}`);
  let ms = 0;
  const alarms = new Alarms({ info: note, warn: note, error: note }, () => ms);
  const passes = (passed: number): void => {
    ms += passed;
  };
  return { lines, alarms, passes };
}

const xid = 'x1' as Xid;

test('F8 K6 a participant that must be mended is told of at once, and then once a minute', (t) => {
  const { lines, alarms, passes } = ringing();
  const target = { participant: 'payment', handler: 'charge' };
  for (let i = 0; i < 100; i++) alarms.ring('clock', target, xid);
  t.is(lines.length, 1);
  t.regex(lines[0]!, /"alarm":"clock","participant":"payment","handler":"charge","xid":"x1"}.*clock/);
  alarms.ring('setup', target, xid);
  alarms.ring('clock', { ...target, handler: 'transfer' }, xid);
  t.is(lines.length, 3);
  passes(60_000);
  alarms.ring('clock', target, xid);
  t.is(lines.length, 4);
});

test('an alarm tells nothing of a URL but its origin', (t) => {
  const { lines, alarms } = ringing();
  alarms.ring('setup', { url: 'https://pay.example.com/v1/hidden-path?token=hidden' }, xid);
  t.true(lines[0]!.includes('"origin":"https://pay.example.com"'));
  t.false(lines[0]!.includes('hidden'));
});
