/** Values drawn from a JSON Schema as the description of the API has them, and what spoils them. */
import fc from 'fast-check';
import type { Json } from '../../sdk/protocol/json.js';

/** From 0 to below 1. */
export type Random = () => number;

// biome-ignore lint/suspicious/noExplicitAny: a document is whatever came.
export type Described = any;

/** Values by the name of their field or parameter: those that mean something to whoever is asked. */
export type Pools = Readonly<Record<string, readonly Json[]>>;

export const pick = <T>(random: Random, from: readonly T[]): T => {
  if (from.length === 0) throw new Error('expected something to pick from, got nothing');
  return from[Math.floor(random() * from.length)] as T;
};

export interface Drawer {
  readonly random: Random;
  readonly pools: Pools;
  /** What a `$ref` leads to. */
  readonly resolve: (schema: Described) => Described;
}

/** A value that the schema takes. `name` is that of the field that it is for. */
export function drawnValue(drawer: Drawer, given: Described, name = '', depth = 0): Json {
  const { random, pools } = drawer;
  const schema = drawer.resolve(given);
  const known = pools[name];
  if (known && known.length > 0 && random() < 0.8) return pick(random, known);
  if ('const' in schema) return schema.const;
  if (schema.enum) return pick(random, schema.enum as Json[]);
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return drawnValue(drawer, pick(random, choices), name, depth);
  switch (Array.isArray(schema.type) ? pick(random, schema.type as string[]) : schema.type) {
    case 'null':
      return null;
    case 'object':
      return objectOf(drawer, schema, depth);
    case 'array':
      return arrayOf(drawer, schema, name, depth);
    case 'string':
      return textOf(random, schema);
    case 'integer':
    case 'number':
      return numberOf(random, schema);
    case 'boolean':
      return random() < 0.5;
    default:
      return anything(random, depth);
  }
}

function objectOf(drawer: Drawer, schema: Described, depth: number): Json {
  const { random } = drawer;
  const value: Record<string, Json> = {};
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    const isNeeded = schema.required?.includes(name) ?? false;
    if (isNeeded || random() < 0.4) value[name] = drawnValue(drawer, field, name, depth + 1);
  }
  const others = schema.additionalProperties;
  if (others && typeof others === 'object')
    while (random() < 0.4)
      value[pick(random, ['shop', 'a b', 'ü', 'toString', '0'])] = drawnValue(drawer, others, '', depth + 1);
  return value;
}

function arrayOf(drawer: Drawer, schema: Described, name: string, depth: number): Json {
  const { random } = drawer;
  const length = Math.min(schema.maxItems ?? 4, (schema.minItems ?? 0) + Math.floor(random() * 4));
  return Array.from({ length }, () => drawnValue(drawer, schema.items ?? {}, `${name}[]`, depth + 1));
}

function numberOf(random: Random, { type, minimum = -1000, maximum = 1_000_000 }: Described): number {
  const [least, most] = [Math.max(minimum, -1e9), Math.min(maximum, 1e9)];
  if (random() < 0.2) return pick(random, [minimum, maximum]);
  // Small ones are more likely to matter.
  const number = least + (most - least) * random() ** 6;
  return type === 'integer' ? Math.floor(number) : number;
}

const texts = new Map<string, readonly string[]>();
const letters = [...'abcdefgh XYZ0123456789-_.:/', 'ü', '漢', '🍵', '"', '\\', "'", '%', '&', '<'];

function textOf(random: Random, schema: Described): string {
  const { pattern, allOf = [], format, minLength = 0, maxLength = 40 } = schema;
  if (format === 'date-time') return new Date(Math.floor(random() * 4e12)).toISOString();
  if (format === 'uri') return `http://127.0.0.1:9/${Math.floor(random() * 10)}`;
  const patterns: string[] = [pattern, ...allOf.map((each: Described) => each.pattern)].filter(Boolean);
  const length = Math.max(minLength, Math.floor(random() * Math.min(maxLength, 40)));
  const text = random() < 0.05 ? 'x'.repeat(maxLength) : Array.from({ length }, () => pick(random, letters)).join('');
  const fitting = text.slice(0, maxLength);
  return fits(fitting, patterns) ? fitting : pick(random, matching(patterns));
}

const fits = (text: string, patterns: readonly string[]): boolean =>
  patterns.every((pattern) => new RegExp(pattern, 'u').test(text));

/** Some texts that match: drawn once, always the same. */
function matching(patterns: readonly string[]): readonly string[] {
  const key = patterns.join('\n');
  const known = texts.get(key);
  if (known) return known;
  const [pattern = ''] = patterns;
  // What draws texts knows nothing of classes of Unicode.
  const drawn = pattern.includes('\\p{')
    ? ['tea', 'two words', 'ü', '🍵']
    : fc.sample(fc.stringMatching(new RegExp(pattern, 'u')), { seed: 1, numRuns: 40 });
  const found = drawn.filter((text) => fits(text, patterns) && /^[ -~\u00a0-\u{10ffff}]*$/u.test(text));
  if (found.length === 0) throw new Error(`expected to draw texts that match ${key}, got none`);
  texts.set(key, found);
  return found;
}

/** Any JSON. */
export function anything(random: Random, depth = 0): Json {
  const kind = Math.floor(random() * (depth > 3 ? 5 : 7));
  switch (kind) {
    case 0:
      return null;
    case 1:
      return random() < 0.5;
    case 2:
      return pick(random, [0, -1, 1.5, 1e15, 12]);
    case 3:
    case 4:
      return Array.from({ length: Math.floor(random() * 12) }, () => pick(random, letters)).join('');
    case 5:
      return Array.from({ length: Math.floor(random() * 3) }, () => anything(random, depth + 1));
    default:
      return { [pick(random, ['a', 'sku', '$from', 'x y'])]: anything(random, depth + 1) };
  }
}

const junk: readonly Json[] = [
  null,
  true,
  -1,
  0,
  1.5,
  1e308,
  9_007_199_254_740_991,
  '',
  ' ',
  'a\u0000b',
  '\ud800',
  'x'.repeat(2000),
  '../..',
  [],
  [[[[]]]],
  {},
  { ['toString' as string]: 1 },
  { $from: 'nowhere' },
];

/** The same value with one thing about it changed, somewhere. */
export function spoiled(random: Random, value: Json, depth = 0): Json {
  const isDeeper = value !== null && typeof value === 'object' && Object.keys(value).length > 0;
  if (!isDeeper || (depth > 0 && random() < 0.3)) return pick(random, junk);
  if (Array.isArray(value)) {
    const at = Math.floor(random() * value.length);
    return value.map((item: Json, index) => (index === at ? spoiled(random, item, depth + 1) : item));
  }
  const fields = { ...(value as Record<string, Json>) };
  const name = pick(random, Object.keys(fields));
  const way = random();
  if (way < 0.2) delete fields[name];
  else if (way < 0.4) fields[pick(random, ['surprise', `${name} `, 'constructor'])] = pick(random, junk);
  else fields[name] = spoiled(random, fields[name] as Json, depth + 1);
  return fields;
}
