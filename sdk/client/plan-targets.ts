import { namePattern } from '../protocol/ids.js';
import type { Kind } from '../protocol/kinds.js';
import type { Target, Targets } from './plan-types.js';

/**
 * The handlers of a participant as targets for a plan's steps, typed by its class or interface:
 * `on<PaymentService>('payment').charge`. A service without the SDK is named by its address and the kind of its steps,
 * `on<Payments>({ url: 'http://127.0.0.1:8092', kind: 'saga' }).charge`; a handler's name is then the end of the path.
 */
export function on<Participant>(where: string | { readonly url: string; readonly kind: Kind }): Targets<Participant> {
  const target = typeof where === 'string' ? byName(where) : byUrl(where.url, where.kind);
  const get = (_nothing: object, key: string | symbol): Target | undefined =>
    // Nothing of a promise or of JSON is here.
    typeof key === 'symbol' || key === 'then' || key === 'toJSON' ? undefined : Object.freeze(target(key));
  return new Proxy(Object.freeze({}), { get }) as Targets<Participant>;
}

function byName(participant: string): (handler: string) => Target {
  nameOf('participant', participant);
  return (handler) => ({ participant, handler: nameOf('handler', handler) });
}

function byUrl(url: string, kind: Kind): (handler: string) => Target {
  if (!URL.canParse(url))
    throw new TypeError(`url: expected one such as http://127.0.0.1:8092, got ${JSON.stringify(url)}`);
  return (handler) => {
    const at = new URL(url);
    at.pathname = `${at.pathname.replace(/\/$/, '')}/${handler}`;
    return { url: at.href, kind };
  };
}

function nameOf(what: string, name: string): string {
  if (typeof name === 'string' && namePattern.test(name)) return name;
  throw new TypeError(`${what}: expected a letter, then at most 63 letters, digits, "_" or "-", got ${show(name)}`);
}

/** The fields of a step that say where it goes. Throws TypeError for what is no target. */
export function addressOf(target: Target, where: string): Target {
  const { participant, handler, url, kind } = target ?? {};
  if (typeof url === 'string' && kind !== undefined) return { url, kind };
  if (typeof participant === 'string' && typeof handler === 'string')
    return { participant, handler, ...(kind !== undefined && { kind }) };
  throw new TypeError(
    `${where}: expected where it goes, on<PaymentService>('payment').charge or {url, kind}, got ${show(target)}`,
  );
}

const show = (value: unknown): string =>
  typeof value === 'function' ? 'a function' : (JSON.stringify(value) ?? String(value));
