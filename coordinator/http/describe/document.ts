/** The routes as an OpenAPI 3.1 document, made of the schemas that the requests are checked by. */
import type { Route } from '../route.js';
import { operationOf, type Shared } from './operation.js';
import { requestId, tokenHeader } from './parameters.js';
import { type Schema, Schemas } from './schemas.js';

export function apiDocument(routes: readonly Route[]): Schema {
  const shared: Shared = { schemas: new Schemas(), responses: {} };
  const paths: Record<string, Record<string, Schema>> = {};
  for (const route of routes) {
    if (!route.describe) continue;
    const path = route.path.replaceAll(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route, route.describe, shared) };
  }
  const { schemas, responses } = shared;
  const id = schemas.of(requestId);
  return {
    openapi: '3.1.1',
    info: {
      title: 'Concordat',
      version: '1',
      summary: 'A transaction coordinator: what spans several services takes effect everywhere, or nowhere.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    paths,
    components: {
      schemas: schemas.named,
      responses,
      parameters: { RequestId: { name: 'x-request-id', in: 'header', schema: id } },
      headers,
      securitySchemes,
    },
  };
}

const headers = Object.freeze({
  RequestId: { required: true, description: 'The id of the request, as the log has it.', schema: { type: 'string' } },
  RetryAfter: { required: true, description: 'Seconds.', schema: { type: 'string', pattern: '^[0-9]+$' } },
  Authenticate: { required: true, schema: { type: 'string' } },
  PreferenceApplied: { description: 'The wait that was heard.', schema: { type: 'string' } },
  Location: { required: true, description: 'Where the transaction is.', schema: { type: 'string' } },
});

const securitySchemes = Object.freeze({
  apiKey: {
    type: 'http',
    scheme: 'bearer',
    description:
      'An API key; its role must include that of the operation (`x-role`). Needed when the coordinator has keys.',
  },
  commandToken: {
    type: 'apiKey',
    in: 'header',
    name: tokenHeader,
    description: 'The token that came with the command.',
  },
  commandTokenAsBearer: { type: 'http', scheme: 'bearer', description: 'The same.' },
});
