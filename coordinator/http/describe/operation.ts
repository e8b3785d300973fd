import type { Access, Content, Description, Route } from '../route.js';
import { failuresOf } from './failures.js';
import { pathParameters, requestHeaders } from './parameters.js';
import { refTo, type Schema, type Schemas } from './schemas.js';

/** What several operations share. */
export interface Shared {
  readonly schemas: Schemas;
  readonly responses: Record<string, Schema>;
}

export function operationOf(route: Route, describe: Description, shared: Shared): Schema {
  const { name, summary, request } = describe;
  return {
    operationId: name,
    summary,
    tags: [tagOf(route.path)],
    'x-role': route.access,
    security: securityOf(route.access),
    parameters: parametersOf(route, describe, shared.schemas),
    ...(request && {
      requestBody: {
        required: route.body === 'required',
        content: { 'application/json': { schema: shared.schemas.of(request) } },
      },
    }),
    responses: {
      ...answersOf(route, describe, shared.schemas),
      ...failuresOf(route, shared.responses, shared.schemas),
    },
  };
}

const tagOf = (path: string): string => /^\/v1\/([a-z]+)/.exec(path)?.[1] ?? 'service';

/** Without keys, everybody on loopback may do everything: hence the empty requirement. */
function securityOf(access: Access): readonly Schema[] {
  if (access === 'none') return [];
  return access === 'token' ? [{ commandToken: [] }, { commandTokenAsBearer: [] }] : [{ apiKey: [] }, {}];
}

function parametersOf({ path }: Route, { query, headers = [] }: Description, schemas: Schemas): readonly Schema[] {
  const inPath = [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => {
    const schema = pathParameters[name];
    if (!schema) throw new Error(`expected ${path} to name parameters that are described, got :${name}`);
    return { name, in: 'path', required: true, ...described(schemas.of(schema)) };
  });
  const inQuery = Object.entries(query?.shape ?? {}).map(([name, schema]) => ({
    name,
    in: 'query',
    ...described(schemas.of(schema as never)),
  }));
  const inHeaders = headers.map((name) => ({ name, in: 'header', ...described(schemas.of(requestHeaders[name])) }));
  return [...inPath, ...inQuery, ...inHeaders, { $ref: refTo('parameters', 'RequestId') }];
}

/** A parameter is described beside its schema. */
function described({ description, ...schema }: Schema): Schema {
  return { ...(description !== undefined && { description }), schema };
}

function answersOf(
  { method, path }: Route,
  { answers, headers = [] }: Description,
  schemas: Schemas,
): Readonly<Record<string, Schema>> {
  const more = {
    ...(headers.includes('prefer') && { 'preference-applied': { $ref: refTo('headers', 'PreferenceApplied') } }),
    ...(method === 'POST' && path === '/v1/transactions' && { location: { $ref: refTo('headers', 'Location') } }),
  };
  const answerOf = ([status, content]: readonly [string, Content | readonly Content[]]): [string, Schema] => {
    const contents = [content].flat() as readonly Content[];
    const answer = {
      description: meanings[status] ?? 'Done',
      headers: { 'x-request-id': { $ref: refTo('headers', 'RequestId') }, ...more },
      ...(contents.length > 0 && { content: Object.assign({}, ...contents.map((each) => contentOf(each, schemas))) }),
    };
    return [status, answer];
  };
  return Object.fromEntries(Object.entries(answers).map(answerOf));
}

const meanings: Readonly<Record<string, string>> = Object.freeze({
  200: 'Done, or done before',
  201: 'Made by this request',
  202: 'Not there yet when the wait was over: the state by then',
  204: 'Everything was seen, and nothing more will come',
});

const contentOf = (content: Content, schemas: Schemas): Schema =>
  typeof content === 'string'
    ? { [content]: { schema: { type: 'string' } } }
    : { 'application/json': { schema: schemas.of(content) } };
