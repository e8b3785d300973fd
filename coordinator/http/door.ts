/** The door in. Everything that comes in by HTTP passes here, and nothing is decided here. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import { ConcordatError } from '../../sdk/protocol/errors.js';
import { systemLoop } from '../clock.js';
import type { Config } from '../config.js';
import { Admission } from './admission.js';
import { findRoute } from './find.js';
import { guard } from './guard.js';
import { Keyring } from './keys.js';
import { AnsweredError } from './problem.js';
import type { Rooms, Route } from './route.js';
import { routes } from './routes.js';
import { type Entrance, serve, turnAway } from './serve.js';
import { remembering } from './targets.js';
import { refuseUnparsed } from './unparsed.js';

export interface DoorOptions extends Omit<Rooms, 'policy' | 'stopping' | 'twoPersons' | 'keys'> {
  readonly config: Pick<Config, 'listen' | 'apiKeys' | 'insecure' | 'policy' | 'twoPersons' | 'workMax'>;
  /** Those of the configuration, unless somebody replaces them while it runs. */
  readonly keys?: Keyring;
}

export interface Door {
  readonly app: Express;
  /** Begins to listen; resolves with the URL it can be reached at. */
  listen(): Promise<string>;
  /** Takes no new requests, and waits at most `graceMs` for those that are being answered. */
  close(graceMs: number): Promise<void>;
}

export function createDoor({ config, keys = new Keyring(config.apiKeys), ...parts }: DoorOptions): Door {
  const { listen: where, insecure, policy, twoPersons, workMax } = config;
  let stopping = false;
  const entrance: Entrance = {
    rooms: { ...parts, allow: remembering(parts.allow), policy, twoPersons, keys, stopping: () => stopping },
    guard: guard({ hasKeys: () => keys.isLocked, insecure, listenHost: where.host }),
    whoCalls: keys.whoCalls,
    admission: new Admission({ ...parts, loopShare: systemLoop() }, workMax),
  };
  const app = appOf(entrance);
  const find = findRoute(routes);
  const enter = (request: IncomingMessage, response: ServerResponse): void => {
    if (lacksHost(request)) {
      const error = new ConcordatError('invalid_request', 'expected a Host header, got none');
      turnAway(entrance, request, response, error);
      return;
    }
    // What the table plainly has goes past express, whose routing costs more than all of the rest.
    const found = find(request.method ?? '', request.url ?? '');
    if (found) void serve(entrance, found.route, request, response, found.params);
    else app(request, response);
  };
  const server = createServer(
    {
      requestTimeout: 30_000,
      headersTimeout: 10_000,
      keepAliveTimeout: 65_000,
      maxHeaderSize: 16 * 1024,
      // Node would refuse what lacks one in words of its own.
      requireHostHeader: false,
    },
    enter,
  );
  // Whatever is expected is answered like any other request, and not by Node in words of its own.
  server.on('checkExpectation', enter);
  server.on('clientError', (error, socket) => refuseUnparsed(error, socket, parts.chance.id()));
  return {
    app,
    listen: () => listen(server, where),
    close(graceMs) {
      stopping = true;
      parts.lookout.streams.close();
      return close(server, graceMs, parts.clock);
    },
  };
}

const lacksHost = ({ headers, httpVersion }: IncomingMessage): boolean =>
  headers.host === undefined && httpVersion === '1.1';

function appOf(entrance: Entrance): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', false);
  app.enable('case sensitive routing');
  for (const route of routes) {
    const method = route.method.toLowerCase() as 'get' | 'post' | 'put' | 'delete';
    app[method](route.path, (request: Request, response: Response) =>
      serve(entrance, route, request, response, request.params as Record<string, string>),
    );
  }
  for (const [path, methods] of methodsByPath(routes)) {
    app.all(path, (request: Request, response: Response) => {
      const allow = methods.join(', ');
      const error = new AnsweredError('method_not_allowed', `expected ${allow}, got ${request.method}`, { allow });
      turnAway(entrance, request, response, error);
    });
  }
  app.use((request: IncomingMessage, response: ServerResponse) => {
    const error = new ConcordatError(
      'route_not_found',
      'expected a path of the API, which docs/http.md lists, got another',
    );
    turnAway(entrance, request, response, error);
  });
  // Express knows an error handler by its four parameters.
  app.use((error: Error, request: Request, response: Response, _next: NextFunction) => {
    const isBadPath = 'status' in error && error.status === 400;
    const shown = isBadPath
      ? new ConcordatError('invalid_request', 'expected a path in URL encoding, got one that is not')
      : error;
    turnAway(entrance, request, response, shown);
  });
  return app;
}

function methodsByPath(all: readonly Route[]): ReadonlyMap<string, readonly string[]> {
  const methods = new Map<string, string[]>();
  for (const { path, method } of all) {
    const names = method === 'GET' ? ['GET', 'HEAD'] : [method];
    methods.set(path, [...(methods.get(path) ?? []), ...names]);
  }
  return methods;
}

function listen(server: Server, { host, port }: Config['listen']): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.removeListener('error', reject);
      const { port: bound } = server.address() as AddressInfo;
      resolve(`http://${host.includes(':') ? `[${host}]` : host}:${bound}`);
    });
  });
}

function close(server: Server, graceMs: number, clock: Rooms['clock']): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.after(graceMs, () => server.closeAllConnections());
    server.close(() => {
      cancel();
      resolve();
    });
    server.closeIdleConnections();
  });
}
