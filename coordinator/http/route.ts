import type { IncomingHttpHeaders } from 'node:http';
import type { Json } from '../../sdk/protocol/json.js';
import type { Chance, Clock } from '../clock.js';
import type { Role } from '../config.js';
import type { Policy } from '../decide/events.js';
import type { Registry } from '../dispatch/registry.js';
import type { Engine } from '../engine.js';
import type { Log } from '../observe/log.js';
import type { Store } from '../store/store.js';
import type { Surroundings } from './targets.js';

/** What the door needs of the rooms behind it. */
export interface Rooms extends Surroundings {
  readonly engine: Pick<Engine, 'handle' | 'read' | 'log' | 'until'>;
  readonly store: Store;
  readonly registry: Pick<Registry, 'register' | 'end' | 'refresh' | 'participants'>;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly log: Log;
  /** What holds for new transactions that do not say otherwise. */
  readonly policy: Policy;
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
  /** The participants that the caller's key may register; undefined: any. */
  readonly registers: readonly string[] | undefined;
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** `none`: anybody. `token`: whoever holds the token of the command; the handler looks at it. Else a key of at least that role. */
export type Access = 'none' | 'token' | Role;

export interface Route {
  readonly method: Method;
  /** As express writes it. */
  readonly path: string;
  readonly access: Access;
  /** `required`: a JSON body; `optional`: one or none. */
  readonly body: 'none' | 'optional' | 'required';
  readonly handle: (rooms: Rooms, call: Call) => Promise<Answer> | Answer;
}
