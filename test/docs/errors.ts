import { errors } from '../../sdk/protocol/errors.js';

/** The catalogue of errors as a page. */
export function errorsPage(): string {
  const rows = Object.entries(errors).map(
    ([code, { status, retryable, title }]) => `| \`${code}\` | ${status} | ${retryable ? 'yes' : 'no'} | ${title} |`,
  );
  return [
    '# Errors',
    '',
    'Generated from `sdk/protocol/errors.ts` by `npm run docs`; a test holds the two together.',
    '',
    'Every error is answered as `application/problem+json` (RFC 9457) with `type` (`urn:concordat:error:CODE`), `title`,',
    '`status`, `detail`, `code` and `retryable`; bad input also gives `errors`, each with a JSON `pointer` and a `message`.',
    '`code` never changes once it is published: decide by it, not by the text. `retryable` says that the same request may',
    'succeed later.',
    '',
    '| code | status | retryable | title |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}
