import { ConcordatError } from '../../sdk/protocol/errors.js';
import type { Route } from '../http/route.js';

export interface Found {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
  /** What follows the `?`, undecoded. */
  readonly query: string;
}

/** Finds the route of a request, by the table that HTTP is served from. Throws `route_not_found`. */
export type FindRoute = (method: string, path: string) => Found;

interface Pattern {
  readonly route: Route;
  readonly segments: readonly string[];
}

const none: Readonly<Record<string, string>> = Object.freeze({});

export function findRoute(routes: readonly Route[]): FindRoute {
  const plain = new Map<string, Route>();
  const patterns = new Map<string, Pattern[]>();
  for (const route of routes) {
    const segments = route.path.split('/');
    const key = `${route.method} ${segments.length}`;
    if (!route.path.includes('/:')) plain.set(`${route.method} ${route.path}`, route);
    else patterns.set(key, [...(patterns.get(key) ?? []), { route, segments }]);
  }
  return (method, target) => {
    const [path = '', query = ''] = splitOnce(target, '?');
    const exact = plain.get(`${method} ${path}`);
    if (exact) return { route: exact, params: none, query };
    const segments = path.split('/');
    for (const pattern of patterns.get(`${method} ${segments.length}`) ?? []) {
      const params = paramsOf(pattern, segments);
      if (params) return { route: pattern.route, params, query };
    }
    throw new ConcordatError('route_not_found', `expected a path of the API, got ${method} ${path.slice(0, 200)}`);
  };
}

function splitOnce(text: string, mark: string): readonly [string, string?] {
  const at = text.indexOf(mark);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

function paramsOf({ segments }: Pattern, given: readonly string[]): Readonly<Record<string, string>> | undefined {
  const params: Record<string, string> = {};
  for (const [index, segment] of segments.entries()) {
    const value = given[index] ?? '';
    if (segment.startsWith(':')) params[segment.slice(1)] = decoded(value);
    else if (segment !== value) return undefined;
  }
  return params;
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new ConcordatError('invalid_request', 'expected a path in URL encoding, got one that is not');
  }
}
