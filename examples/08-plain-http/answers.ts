/** A JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** A business no. To a forward op it is final and kept with the branch; to a commit or rollback op it parks the branch. */
export class Refused extends Error {
  readonly code: string;

  constructor(code: string, reason: string) {
    super(reason);
    this.code = code;
  }
}

/** An answer that is no outcome: the coordinator reads it as `unknown` and asks again. Nothing was done. */
export class Rejected extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, detail: string) {
    super(detail);
    this.status = status;
    this.code = code;
  }
}

/** What a service says to a command. */
export type Answer =
  | { readonly kind: 'done'; readonly output: Json }
  | { readonly kind: 'refused'; readonly code: string; readonly reason: string }
  | { readonly kind: 'pending'; readonly retryAfterSeconds: number };

/** RFC 9457. `code` is stable; `detail` is for people. */
export const problem = (status: number, title: string, code: string, detail: string) => ({
  type: `urn:example:${code}`,
  title,
  status,
  detail,
  code,
});
