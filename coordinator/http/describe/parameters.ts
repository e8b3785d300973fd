/** What a request says beside its body, as schemas. */
import { z } from 'zod';
import { headers as commandHeaders } from '../../../sdk/protocol/commands.js';
import { instanceIdPattern, namePattern, xidPattern } from '../../../sdk/protocol/ids.js';
import { limits } from '../../../sdk/protocol/limits.js';

/** By their name in the path. */
export const pathParameters: Readonly<Record<string, z.ZodType>> = Object.freeze({
  xid: z.string().regex(xidPattern).meta({ description: 'The transaction.' }),
  n: z.int().min(1).max(limits.stepsMax).meta({ description: 'The number of the branch.' }),
  name: z.string().regex(namePattern).meta({ description: 'The participant.' }),
  id: z.string().regex(instanceIdPattern).meta({ description: 'One process of the participant.' }),
});

/** By the name that a description uses. */
export const requestHeaders = Object.freeze({
  prefer: z
    .string()
    .regex(/^wait=([0-5]?[0-9]|60)$/)
    .meta({ description: `\`wait=N\`: seconds to wait for the end, at most ${limits.waitSecondsMax}.` }),
  traceparent: z
    .string()
    .regex(/^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}/)
    .meta({ description: 'W3C trace context: the commands carry it on.' }),
  'last-event-id': z
    .string()
    .meta({ description: 'The id of the last event that was seen: a stream goes on after it.' }),
});

export type RequestHeader = keyof typeof requestHeaders;

/** Of every request. */
export const requestId = z
  .string()
  .regex(/^[A-Za-z0-9._:-]{1,128}$/)
  .meta({ description: 'The id of the request; it comes back, and stands in the log. Drawn when there is none.' });

export const tokenHeader = commandHeaders.token;
