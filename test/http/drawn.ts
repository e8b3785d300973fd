/** Requests drawn from the description of the API, and from nothing else: as it says, or nearly. */
import type { Json } from '../../sdk/protocol/json.js';
import { type Described, type Drawer, drawnValue, type Pools, pick, type Random, spoiled } from './drawn-values.js';

export type { Described, Pools, Random } from './drawn-values.js';

export interface Drawn {
  /** `operationId` of the document. */
  readonly operation: string;
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  /** What the body says, if it is JSON. */
  readonly value: Json | undefined;
  /** Which part of it is not as described; undefined: all of it is. The body's may be so by chance all the same. */
  readonly flaw: Flaw | undefined;
}

export type Flaw = 'path' | 'query' | 'headers' | 'body' | 'text' | 'type';

export interface Operation {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly role: string;
  readonly parameters: readonly Described[];
  readonly request: { readonly schema: Described; readonly required: boolean } | undefined;
  readonly responses: Readonly<Record<string, Described>>;
}

const methods = ['get', 'put', 'post', 'delete', 'patch'];

/** What a `$ref` of the document leads to; what is none stays itself. */
export const resolver =
  (document: Described) =>
  (schema: Described): Described => {
    let found = schema;
    while (found?.$ref !== undefined)
      found = found.$ref
        .split('/')
        .slice(1)
        .reduce((at: Described, key: string) => at?.[key.replaceAll('~1', '/').replaceAll('~0', '~')], document);
    return found;
  };

export function operationsOf(document: Described): readonly Operation[] {
  const resolve = resolver(document);
  return Object.entries<Described>(document.paths).flatMap(([path, item]) =>
    methods
      .filter((method) => method in item)
      .map((method): Operation => {
        const { operationId, parameters = [], requestBody, responses, 'x-role': role } = item[method];
        const schema = requestBody?.content['application/json'].schema;
        return {
          id: operationId,
          method: method.toUpperCase(),
          path,
          role,
          parameters: parameters.map(resolve),
          request: requestBody && { schema, required: requestBody.required === true },
          responses,
        };
      }),
  );
}

export interface DrawOptions {
  readonly pools?: Pools;
  /** The share of requests with a flaw; half of them unless told otherwise. */
  readonly flawed?: number;
  /** Draws only from these operations. */
  readonly only?: (operation: Operation) => boolean;
}

/** Draws one request after the other. The same random numbers give the same requests. */
export function drawing(document: Described, random: Random, options: DrawOptions = {}): () => Drawn {
  const { pools = {}, flawed = 0.5, only = () => true } = options;
  const operations = operationsOf(document).filter(only);
  const drawer: Drawer = { random, pools, resolve: resolver(document) };
  return () => {
    const operation = pick(random, operations);
    return request(drawer, operation, random() < flawed ? flawFor(random, operation) : undefined);
  };
}

function flawFor(random: Random, { path, request: body }: Operation): Flaw {
  const parts: Flaw[] = ['query', 'headers'];
  if (path.includes('{')) parts.push('path');
  if (body) parts.push('body', 'body', 'body', 'text', 'type');
  return pick(random, parts);
}

function request(drawer: Drawer, operation: Operation, flaw: Flaw | undefined): Drawn {
  const { id, method, path } = operation;
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    segmentOf(drawer, operation, name, flaw === 'path'),
  );
  const query = queryOf(drawer, operation, flaw === 'query');
  const { body, value, type } = bodyOf(drawer, operation, flaw);
  return {
    operation: id,
    method,
    path: query === '' ? filled : `${filled}?${query}`,
    headers: { ...type, ...headersOf(drawer, operation, flaw === 'headers') },
    body,
    value,
    flaw,
  };
}

const strangeSegments = ['%00', '..%2f..', '%F0%9F%8D%B5', 'x'.repeat(300), '-', '%25', '0', '-1', '1e3', "';--"];

function segmentOf(drawer: Drawer, { parameters }: Operation, name: string, isStrange: boolean): string {
  const { random } = drawer;
  if (isStrange) return pick(random, strangeSegments);
  const parameter = parameters.find((each) => each.in === 'path' && each.name === name);
  return encodeURIComponent(String(drawnValue(drawer, parameter.schema, name)));
}

function queryOf(drawer: Drawer, { parameters }: Operation, isFlawed: boolean): string {
  const { random } = drawer;
  const query = new URLSearchParams();
  for (const { name, in: place, schema } of parameters) {
    if (place !== 'query' || random() < 0.7) continue;
    const value = drawnValue(drawer, schema, name);
    for (const each of Array.isArray(value) ? value : [value]) query.append(name, String(each));
  }
  if (!isFlawed) return query.toString();
  const names = parameters.filter((each) => each.in === 'query').map(({ name }) => name as string);
  const name = pick(random, [...names, 'surprise', '__proto__', 'toString']);
  for (let times = 0; times <= Math.floor(random() * 2); times++)
    query.append(name, pick(random, ['', '-1', '0', '999999', 'x', '\u0000', '2026-02-30T00:00:00Z', 'a'.repeat(400)]));
  return query.toString();
}

function headersOf(drawer: Drawer, { parameters }: Operation, isFlawed: boolean): Record<string, string> {
  const { random } = drawer;
  const headers: Record<string, string> = {};
  for (const { name, in: place, schema } of parameters)
    if (place === 'header' && random() < 0.5)
      headers[name] = String(drawnValue(drawer, schema, name)).replace(/[^ -~]/g, '?');
  if (!isFlawed) return headers;
  const names = parameters.filter((each) => each.in === 'header').map(({ name }) => name as string);
  const name = pick(random, [...names, 'accept', 'x-surprise']);
  return {
    ...headers,
    [name]: pick(random, ['', 'wait=-1', 'wait=999', 'wait=x', '*/*', 'a"b', 'x'.repeat(400), '0'.repeat(60)]),
  };
}

interface DrawnBody {
  readonly body: string | undefined;
  readonly value: Json | undefined;
  readonly type: Readonly<Record<string, string>>;
}

const strangeTypes = [
  'text/plain',
  'application/json; charset=latin1',
  'application/x-www-form-urlencoded',
  'json',
  '*/*',
];

function bodyOf(drawer: Drawer, { request: asked }: Operation, flaw: Flaw | undefined): DrawnBody {
  const { random } = drawer;
  if (!asked || (!asked.required && flaw === undefined && random() < 0.3))
    return { body: undefined, value: undefined, type: {} };
  const whole = drawnValue(drawer, asked.schema);
  const value = flaw === 'body' ? spoiled(random, whole) : whole;
  const text = JSON.stringify(value);
  const type = { 'content-type': flaw === 'type' ? pick(random, strangeTypes) : 'application/json' };
  if (flaw !== 'text') return { body: text, value, type };
  const broken = [
    text.slice(0, -1),
    `${text},`,
    `{"__proto__":${text}}`,
    `\ufeff${text}`,
    '['.repeat(5000),
    '{"a":1e}',
  ];
  return { body: pick(random, broken), value: undefined, type };
}
