/** The door in of one coordinator of a simulation: what `serve.ts` does for HTTP, with the same table of routes. */
import { reach } from '#faults';
import { findRoute } from '../../coordinator/http/find.js';
import { problem, toConcordat } from '../../coordinator/http/problem.js';
import type { Answer, Rooms } from '../../coordinator/http/route.js';
import { routes } from '../../coordinator/http/routes.js';
import { ConcordatError } from '../../sdk/protocol/errors.js';
import { parseJsonText } from '../../sdk/protocol/json.js';

export interface HttpRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string | null;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

/** Answers a request. Never rejects. */
export type Door = (request: HttpRequest) => Promise<HttpAnswer>;

const find = findRoute(routes);

export function doorOf(rooms: Rooms): Door {
  const answer = async ({ method, path, headers, body }: HttpRequest): Promise<Answer> => {
    const found = find(method, path);
    if (!found) throw new ConcordatError('route_not_found', `expected a path of the API, got ${path}`);
    const { route, params, query } = found;
    const call = {
      params,
      query,
      headers,
      by: 'anonymous',
      role: 'admin',
      requestId: null,
      registers: undefined,
    } as const;
    const [value, bytes] = body === null ? [{}, 0] : [parseJsonText(body), Buffer.byteLength(body)];
    const answered = await route.handle(rooms, { ...call, body: value, bodyBytes: bytes });
    if (method === 'POST') reach('before-answer');
    return answered;
  };
  return async (request) => {
    const { status, headers = {}, body } = await answer(request).catch((error: unknown) => problem(toConcordat(error)));
    return { status, headers, text: JSON.stringify(body) };
  };
}
