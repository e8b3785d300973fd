import { z } from 'zod';

/** JSON Schema, in the dialect of OpenAPI 3.1. */
export type Schema = Readonly<Record<string, unknown>>;

/** Turns the wire's schemas into those of a document, and keeps what has a name of its own aside. */
export class Schemas {
  readonly named: Record<string, Schema> = {};

  of(schema: z.ZodType): Schema {
    const { $schema, $defs = {}, ...own } = z.toJSONSchema(schema, { io: 'input' });
    for (const [name, { id, ...definition }] of Object.entries($defs)) this.named[name] ??= relinked(definition);
    return relinked(own);
  }
}

const inside = '#/$defs/';

/** The same schema with its references into the components of the document. */
function relinked(schema: object): Schema {
  const text = JSON.stringify(schema, (key, value) =>
    key === '$ref' && typeof value === 'string' && value.startsWith(inside)
      ? refTo('schemas', value.slice(inside.length))
      : value,
  );
  return JSON.parse(text) as Schema;
}

export const refTo = (kind: 'schemas' | 'responses' | 'headers' | 'parameters', name: string): string =>
  `#/components/${kind}/${name}`;
