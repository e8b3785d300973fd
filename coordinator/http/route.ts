import type { IncomingHttpHeaders } from 'node:http';
import type { z } from 'zod';
import type { ErrorCode } from '../../sdk/protocol/errors.js';
import type { Json } from '../../sdk/protocol/json.js';
import type { Chance, Clock } from '../clock.js';
import type { Role } from '../config.js';
import type { Policy } from '../decide/events.js';
import type { Controls } from '../dispatch/controls.js';
import type { Registry } from '../dispatch/registry.js';
import type { Engine } from '../engine.js';
import type { Log } from '../observe/log.js';
import type { Store } from '../store/store.js';
import type { RequestHeader } from './describe/parameters.js';
import type { Lookout } from './lookout.js';
import type { Line } from './streams.js';
import type { Surroundings } from './targets.js';

/** What the door needs of the rooms behind it. */
export interface Rooms extends Surroundings {
  readonly engine: Pick<Engine, 'load' | 'handle' | 'read' | 'log' | 'until'>;
  readonly store: Store;
  readonly registry: Pick<Registry, 'register' | 'end' | 'refresh' | 'participants'>;
  readonly controls: Pick<Controls, 'change' | 'of' | 'names' | 'waitingForRoom'>;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly log: Log;
  /** What holds for new transactions that do not say otherwise. */
  readonly policy: Policy;
  readonly lookout: Lookout;
  /**
   * For answers that do not end by themselves: calls back once what a caller came as would not be let in any more. Returns
   * what ends the watch.
   */
  readonly keys?: { watch(authorization: string | undefined, needed: Role, revoked: () => void): () => void };
  /** Whether what an operator decides by hand needs a second one; no by default. */
  readonly twoPersons?: boolean;
  /** True once the coordinator takes no more work. */
  readonly stopping: () => boolean;
}

/** A request that was let in. */
export interface Call {
  readonly params: Readonly<Record<string, string>>;
  /** What follows the `?`, undecoded. */
  readonly query: string;
  readonly headers: IncomingHttpHeaders;
  /** Parsed; `{}` when there was none. */
  readonly body: Json;
  readonly bodyBytes: number;
  /** Name of the caller's key; `anonymous` without keys. */
  readonly by: string;
  readonly role: Role;
  /** Null for calls within this process. */
  readonly requestId: string | null;
  /** The participants that the caller's key may register; undefined: any. */
  readonly registers: readonly string[] | undefined;
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Goes on as a stream of events in the place of a body. */
  readonly stream?: (line: Line) => void;
}

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** `none`: anybody. `token`: whoever holds the token of the command; the handler looks at it. Else a key of at least that role. */
export type Access = 'none' | 'token' | Role;

/** `branch`: of a transaction that was let in. */
export type NewWork = 'transaction' | 'branch';

export interface Route {
  readonly method: Method;
  /** As express writes it. */
  readonly path: string;
  readonly access: Access;
  /** `required`: a JSON body; `optional`: one or none. */
  readonly body: 'none' | 'optional' | 'required';
  /** What it adds, where the coordinator may have too much of it already. */
  readonly adds?: NewWork;
  readonly handle: (rooms: Rooms, call: Call) => Promise<Answer> | Answer;
  /** For `GET /openapi.json`; null: not available yet, and not in it. */
  readonly describe: Description | null;
}

/** What an answer holds: JSON of that schema, or something else, of that media type. */
export type Content = z.ZodType | 'text/event-stream' | 'text/plain' | 'text/html';

/** What a route is for. Its parameters, its role and the errors that follow from them are known without it. */
export interface Description {
  /** Of the operation; a generated client has a method of that name. */
  readonly name: string;
  /** One line. */
  readonly summary: string;
  /** The query, one field a parameter. */
  readonly query?: z.ZodObject;
  /** Headers that it looks at, beside those of every request. */
  readonly headers?: readonly RequestHeader[];
  readonly request?: z.ZodType;
  /** By status, when all went well. */
  readonly answers: Readonly<Record<number, Content | readonly Content[]>>;
  /** Beside those that follow from its access, its path and its body. */
  readonly errors?: readonly ErrorCode[];
}
