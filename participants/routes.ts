import express, { type ErrorRequestHandler, type Express, type Response } from 'express';
import type { Knex } from 'knex';
import { phaseOf } from '../sdk/protocol/kinds.js';
import { limits } from '../sdk/protocol/limits.js';
import { type Answer, problem, Rejected } from './answers.js';
import type { Now } from './clock.js';
import { type Received, readCommand } from './command.js';
import type { Definition } from './definition.js';
import { recordEffect } from './effects.js';
import type { Reach } from './failpoint.js';
import { createInbox } from './inbox.js';

export interface Surroundings {
  readonly db: Knex;
  readonly now: Now;
  readonly reach: Reach;
  /** Of the signing secrets; none when commands need no signature. */
  readonly keys: readonly Buffer[];
  readonly log: (line: string) => void;
}

/** The service over HTTP: a command comes in, goes through the inbox into one transaction, and its answer goes out. */
export function routes(definition: Definition, { db, now, reach, keys, log }: Surroundings): Express {
  const inbox = createInbox(db, now, reach);
  const app = express().disable('x-powered-by').disable('etag');
  app.get('/healthz', (_request, response) => {
    response.json({ status: 'ok', service: definition.name });
  });
  app.post(
    '/:handler/:op',
    express.raw({ type: () => true, limit: limits.bodyBytes, inflate: false }),
    async (request, response) => {
      const { handler = '', op = '' } = request.params;
      const { work, phase } = find(definition, handler, op);
      const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
      const command = readCommand({ op, headers: request.headers, body }, keys, now());
      refuseLate(command, now());
      const answer = await inbox.receive({ ...command, phase }, async (trx, output) => {
        // Again, after any wait for the database.
        refuseLate(command, now());
        const { effect, ...result } = await work({ trx, branch: command, input: command.input, output });
        await recordEffect(trx, command, op, effect, now());
        return result.output;
      });
      send(response, answer);
    },
  );
  app.use((request) => {
    throw new Rejected(404, 'route_not_found', `${request.method} ${request.path} does not exist`);
  });
  return app.use(onError(definition.name, log));
}

function find({ handlers }: Definition, name: string, op: string) {
  const handler = Object.hasOwn(handlers, name) ? handlers[name] : undefined;
  const work = handler && Object.hasOwn(handler.ops, op) ? handler.ops[op] : undefined;
  const phase = handler && phaseOf(handler.kind, op);
  if (!work || !phase) throw new Rejected(404, 'route_not_found', `no op ${name}/${op} here`);
  return { work, phase };
}

/** A command whose time is over is dropped: its sender has counted it as lost. */
function refuseLate(command: Received, now: number): void {
  if (now >= command.expiresAt)
    throw new Rejected(408, 'expired', `the command held until ${command.expiresAt}, it is ${now}`);
}

function send(response: Response, answer: Answer): void {
  switch (answer.kind) {
    case 'done':
      response.status(200).json(answer.output);
      return;
    case 'refused':
      sendProblem(response, 409, 'Refused', answer.code, answer.reason);
      return;
    case 'pending':
      response.set('Retry-After', String(answer.retryAfterSeconds));
      sendProblem(response, 425, 'Still running', 'still_running', 'this branch is at work; ask again');
      return;
  }
}

const sendProblem = (response: Response, status: number, title: string, code: string, detail: string): void => {
  response
    .status(status)
    .type('application/problem+json')
    .send(JSON.stringify(problem(status, title, code, detail)));
};

const onError =
  (service: string, log: Surroundings['log']): ErrorRequestHandler =>
  (error, request, response, next) => {
    if (response.headersSent) return next(error);
    if (error instanceof Rejected) return sendProblem(response, error.status, 'Not taken', error.code, error.message);
    // What express itself refuses: too large, compressed, cut off.
    if (error?.expose === true)
      return sendProblem(response, error.status, 'Not taken', 'malformed', String(error.message));
    log(JSON.stringify({ level: 'error', service, path: request.path, error: String(error?.stack ?? error) }));
    sendProblem(response, 500, 'Failed', 'internal', 'the service failed; nothing was kept');
  };
