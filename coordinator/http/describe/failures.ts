import { type ErrorCode, errors } from '../../../sdk/protocol/errors.js';
import { problemView } from '../../../sdk/protocol/schemas-answers.js';
import type { Route } from '../route.js';
import { refTo, type Schema, type Schemas } from './schemas.js';

/** What a route may answer when it does not go well, in the order of the catalogue. */
export function codesOf(route: Route): readonly ErrorCode[] {
  const { access, body, path, adds, describe } = route;
  const codes = new Set<ErrorCode>([
    ...anywhere,
    ...(access === 'none' ? [] : outages),
    ...(access === 'none' ? [] : ([access === 'token' ? 'token_invalid' : 'unauthorized'] as const)),
    ...(body === 'none' ? [] : ofBodies),
    ...(adds ? (['overloaded'] as const) : []),
    ...(path.includes(':xid') ? ofTransactions : []),
    ...(path.includes('/:n/') ? (['branch_not_found'] as const) : []),
    ...(describe?.errors ?? []),
  ]);
  return (Object.keys(errors) as ErrorCode[]).filter((code) => codes.has(code));
}

/** Of the door itself. */
const anywhere: readonly ErrorCode[] = [
  'invalid_request',
  'forbidden',
  'request_timeout',
  'misdirected',
  'headers_too_large',
  'internal',
];
const outages: readonly ErrorCode[] = ['store_unavailable', 'stopping'];
const ofBodies: readonly ErrorCode[] = ['invalid_json', 'too_large', 'unsupported_media_type'];
const ofTransactions: readonly ErrorCode[] = ['transaction_not_found', 'log_corrupt'];

/** The problems of a route by status. Alike ones are one component. */
export function failuresOf(
  route: Route,
  responses: Record<string, Schema>,
  schemas: Schemas,
): Readonly<Record<string, Schema>> {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of codesOf(route)) {
    const { status } = errors[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => {
      const name = codes.join('.');
      responses[name] ??= failure(status, codes, schemas);
      return [status, { $ref: refTo('responses', name) }];
    }),
  );
}

function failure(status: number, codes: readonly ErrorCode[], schemas: Schemas): Schema {
  const properties = { status: { const: status }, code: { enum: codes } };
  return {
    description: codes.map((code) => `\`${code}\`: ${errors[code].title}`).join('. '),
    headers: {
      'x-request-id': { $ref: refTo('headers', 'RequestId') },
      ...((status === 429 || status === 503) && { 'retry-after': { $ref: refTo('headers', 'RetryAfter') } }),
      ...(status === 401 && { 'www-authenticate': { $ref: refTo('headers', 'Authenticate') } }),
    },
    content: { 'application/problem+json': { schema: { allOf: [schemas.of(problemView), { properties }] } } },
  };
}
