import test from 'ava';
import { z } from 'zod';
import { routes } from '../../coordinator/http/routes.js';
import * as schemas from '../../sdk/protocol/schemas.js';

test('no route stands twice in the table', (t) => {
  const names = routes.map(({ method, path }) => `${method} ${path}`);
  t.is(new Set(names).size, names.length);
});

test('what changes something takes a role beyond viewer, or the token of a command', (t) => {
  for (const { method, path, access } of routes) {
    if (method !== 'GET') t.true(['client', 'operator', 'admin', 'token'].includes(access), `${method} ${path}`);
  }
});

test('the schemas of all requests can be described', (t) => {
  for (const [name, schema] of Object.entries(schemas)) {
    if (!(schema instanceof z.ZodType)) continue;
    const described = z.toJSONSchema(schema);
    const [named = described] = Object.values(described.$defs ?? {}).slice(-1);
    t.like(named, { type: 'object', additionalProperties: false }, name);
  }
});
