/** Reads what a host answers to a batch: one document, or a line for each outcome as it comes. */
import { planted } from '#faults';
import { type Json, jsonBytes, parseJson, parseJsonText } from '../../sdk/protocol/json.js';
import { limits } from '../../sdk/protocol/limits.js';
import { BodyCollector } from './body.js';
import { Lines } from './lines.js';
import { mediaTypeOf } from './media-type.js';
import { asRecord } from './outcome.js';
import { cleanText } from './text.js';
import type { Answer } from './transport.js';

/** Takes the value that a host gave as the outcome of one command of the batch. */
export type TakeOutcome = (index: number, value: Json) => void;

/** An answer that is being read. What it does not tell of, nothing is known of. */
export interface BatchReader {
  /** False when it is more than anybody needs. */
  add(chunk: Uint8Array): boolean;
  /** It came to its proper end. Resolves with what was wrong with it, if anything was. */
  close(): string | undefined;
}

/** Beside its body, an outcome has a status and headers. */
const lineBytesMax = limits.outcomeBodyBytes + 4096;

/** The reader for a 200 with these headers, or why there is none. */
export function readerFor(headers: Answer['headers'], commands: number, take: TakeOutcome): BatchReader | string {
  const encoding = headers['content-encoding']?.trim().toLowerCase();
  if (encoding && encoding !== 'identity')
    return `content-encoding ${cleanText(encoding, 40)}, which was not asked for`;
  const type = headers['content-type'] ?? '';
  const media = mediaTypeOf(type);
  if (media?.isUtf8 && media.essence === 'application/x-ndjson') return linesReader(commands, take);
  if (media?.isUtf8 && media.isJson) return documentReader(commands, take);
  return `expected application/json or application/x-ndjson in UTF-8, got content-type ${cleanText(type, 80)}`;
}

const bytesMax = (): number => (planted('batches-without-end') ? Number.POSITIVE_INFINITY : limits.batchAnswerBytes);

function linesReader(commands: number, take: TakeOutcome): BatchReader {
  let flaw: string | undefined;
  let bytes = 0;
  const lines = new Lines(lineBytesMax, (line) => {
    try {
      const value = asRecord(parseJson(line));
      const index = value?.index;
      if (value && isIndex(index, commands)) take(index, value);
      else flaw = `expected lines with an index from 0 to ${commands - 1}`;
    } catch (error) {
      flaw = (error as Error).message;
    }
  });
  return {
    add(chunk) {
      bytes += chunk.byteLength;
      if (bytes > bytesMax()) return false;
      lines.add(chunk);
      return true;
    },
    close() {
      lines.close();
      return flaw;
    },
  };
}

const isIndex = (value: Json | undefined, commands: number): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < commands;

function documentReader(commands: number, take: TakeOutcome): BatchReader {
  const body = new BodyCollector(bytesMax());
  return {
    add: (chunk) => body.add(chunk),
    close() {
      const bytes = body.take();
      try {
        const outcomes = outcomesIn(bytes);
        if (!outcomes) return 'expected {"outcomes": […]}';
        // With one missing or one too many, nobody knows which is whose.
        if (outcomes.length !== commands && !planted('outcomes-by-place'))
          return `expected ${commands} outcomes, got ${outcomes.length}`;
        const areSmall = bytes.byteLength <= limits.outcomeBodyBytes;
        for (const [index, value] of outcomes.entries())
          if (value !== undefined && (areSmall || isSmall(value))) take(index, value);
        return undefined;
      } catch (error) {
        return (error as Error).message;
      }
    },
  };
}

const isSmall = (value: Json): boolean => jsonBytes(asRecord(value)?.body ?? null) <= limits.outcomeBodyBytes;

/** By place; undefined where one is not as JSON must be. Throws when it is no JSON at all. */
function outcomesIn(bytes: Uint8Array): readonly (Json | undefined)[] | undefined {
  try {
    return listIn(parseJson(bytes));
  } catch (error) {
    // One bad outcome is no reason to know nothing of the others.
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    const outcomes = listIn(JSON.parse(text) as Json);
    if (!outcomes) throw error;
    return outcomes.map(unlessBad);
  }
}

function listIn(document: Json): readonly Json[] | undefined {
  const outcomes = asRecord(document)?.outcomes;
  return Array.isArray(outcomes) ? (outcomes as readonly Json[]) : undefined;
}

function unlessBad(value: Json): Json | undefined {
  try {
    return parseJsonText(JSON.stringify(value));
  } catch {
    return undefined;
  }
}
