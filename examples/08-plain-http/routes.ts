import express, { type ErrorRequestHandler, type Express, type Response } from 'express';
import type { Knex } from 'knex';
import { type Answer, problem, Rejected } from './answers.js';
import { type Command, readCommand } from './command.js';
import type { Definition } from './definition.js';
import { createInbox, type Op, phaseOf } from './inbox.js';

const bodyBytesMax = 1024 * 1024;

export interface Surroundings {
  readonly db: Knex;
  readonly now: () => number;
  /** Of the signing secrets; none when commands need no signature. */
  readonly keys: readonly Buffer[];
}

/** The service over HTTP: a command comes in, goes through the inbox into one transaction, and its answer goes out. */
export function routes(definition: Definition, { db, now, keys }: Surroundings): Express {
  const inbox = createInbox(db, now);
  const app = express().disable('x-powered-by').disable('etag');
  app.post(
    '/:handler/:op',
    express.raw({ type: () => true, limit: bodyBytesMax, inflate: false }),
    async (request, response) => {
      const { work, op } = find(definition, request.params.handler ?? '', request.params.op ?? '');
      const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
      const command = readCommand({ op, headers: request.headers, body }, keys, now());
      refuseLate(command, now());
      const answer = await inbox.receive({ ...command, op }, async (trx, output) => {
        // Again, after any wait for the database.
        refuseLate(command, now());
        const { effect, ...result } = await work({ trx, input: command.input, output });
        const { origin, xid, branch } = command;
        await trx('effects').insert({ origin, xid, branch, op, effect });
        return result.output;
      });
      send(response, answer);
    },
  );
  app.use((request) => {
    throw new Rejected(404, 'route_not_found', `${request.method} ${request.path} does not exist`);
  });
  return app.use(onError(definition.name));
}

function find({ handlers }: Definition, name: string, op: string) {
  const handler = Object.hasOwn(handlers, name) ? handlers[name] : undefined;
  const work = isOp(op) ? handler?.[op] : undefined;
  if (!work || !isOp(op)) throw new Rejected(404, 'route_not_found', `no op ${name}/${op} here`);
  return { work, op };
}

const isOp = (op: string): op is Op => Object.hasOwn(phaseOf, op);

/** A command whose time is over is dropped: its sender has counted it as lost. */
function refuseLate(command: Command, now: number): void {
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
  (service: string): ErrorRequestHandler =>
  (error, request, response, next) => {
    if (response.headersSent) return next(error);
    if (error instanceof Rejected) return sendProblem(response, error.status, 'Not taken', error.code, error.message);
    // What express itself refuses: too large, compressed, cut off.
    if (error?.expose === true)
      return sendProblem(response, error.status, 'Not taken', 'malformed', String(error.message));
    // Never a 409: nobody knows what this is, so the coordinator shall ask again.
    process.stderr.write(`${service} ${request.path}: ${String(error?.stack ?? error)}\n`);
    sendProblem(response, 500, 'Failed', 'internal', 'the service failed; nothing was kept');
  };
