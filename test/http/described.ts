/** Holds answers against the description of the API: what it does not say is a finding. */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { type Described, type Operation, operationsOf, resolver } from './drawn.js';

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  /** As it came. */
  readonly text: string;
}

export interface Judge {
  readonly operations: ReadonlyMap<string, Operation>;
  /** What is wrong with an answer of that operation; empty: nothing. */
  findings(operation: string, answer: Answered): readonly string[];
  /** Whether the document takes that body. */
  takes(operation: string, body: unknown): boolean;
}

export function judging(document: Described): Judge {
  const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: false });
  // Readers must take unknown fields; what the coordinator sends, all the same, is all described.
  ajv.addSchema({ $id: 'api', components: document.components }, 'api');
  const closedApi = { $id: 'closed', components: closed(document.components, '') };
  ajv.addSchema(closedApi, 'closed');
  const resolve = resolver(document);
  const operations = new Map(operationsOf(document).map((operation) => [operation.id, operation]));
  const validators = new Map<string, ValidateFunction>();
  const validator = (key: string, base: string, schema: Described): ValidateFunction => {
    const known = validators.get(key) ?? ajv.compile(based(schema, base));
    validators.set(key, known);
    return known;
  };
  return {
    operations,
    findings(id, { status, headers, text }) {
      const response = resolve(operations.get(id)?.responses[status]);
      if (!response) return [`status ${status} is not described: ${text.slice(0, 300)}`];
      const missing = Object.entries<Described>(response.headers ?? {}).flatMap(([name, header]) =>
        resolve(header).required && !headers.has(name) ? [`${status} without ${name}`] : [],
      );
      if (response.content === undefined) return text === '' ? missing : [...missing, `${status} with a body`];
      const media = headers.get('content-type')?.split(';')[0] ?? 'none';
      const content = response.content?.[media];
      if (!content) return [...missing, `${status} of media type ${media} is not described`];
      if (!media.includes('json')) return missing;
      const validate = validator(`${id} ${status} ${media}`, 'closed', closed(content.schema, ''));
      if (validate(JSON.parse(text))) return missing;
      return [...missing, `${status}: ${ajv.errorsText(validate.errors)} in ${text.slice(0, 300)}`];
    },
    takes(id, body) {
      const request = operations.get(id)?.request;
      if (!request) throw new Error(`expected ${id} to take a body`);
      return validator(id, 'api', request.schema)(body);
    },
  };
}

/** The same schema with its references into one of the two documents. */
const based = (schema: Described, base: string): Described =>
  JSON.parse(JSON.stringify(schema).replaceAll('"#/components/', `"${base}#/components/`));

/** The same schemas, and no object has other fields than it names, unless it says that it may. */
function closed(schema: Described, under: string): Described {
  if (schema === null || typeof schema !== 'object') return schema;
  if (Array.isArray(schema)) return under === 'allOf' ? schema : schema.map((each) => closed(each, ''));
  const copy = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value, key)]));
  const isObject = schema.type === 'object' && schema.properties !== undefined && under !== 'properties';
  return isObject && !('additionalProperties' in schema) ? { ...copy, additionalProperties: false } : copy;
}
