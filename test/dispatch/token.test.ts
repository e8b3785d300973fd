import { createHmac } from 'node:crypto';
import test from 'ava';
import { isTokenFor, tokenFor } from '../../coordinator/dispatch/token.js';

test('a token is an HMAC-SHA256 of transaction, branch and op', (t) => {
  const expected = createHmac('sha256', 'key').update('tx-1\n2\naction').digest('base64url');
  t.is(tokenFor('key', 'tx-1', 2, 'action'), expected);
  t.true(isTokenFor('key', 'tx-1', 2, 'action', expected));
});

test('C11 a forged token, or one of another op, branch, transaction or store, is not taken', (t) => {
  const token = tokenFor('key', 'tx-1', 12, 'action');
  t.false(isTokenFor('key', 'tx-1', 12, 'compensate', token));
  t.false(isTokenFor('key', 'tx-1', 1, 'action', token));
  t.false(isTokenFor('key', 'tx-11', 2, 'action', token));
  t.false(isTokenFor('other', 'tx-1', 12, 'action', token));
  for (const forged of [
    '',
    token.slice(1),
    `${token}=`,
    token.toUpperCase(),
    'é'.repeat(token.length),
    '\0'.repeat(43),
  ]) {
    t.false(isTokenFor('key', 'tx-1', 12, 'action', forged), forged);
  }
});
