/** Nobody to talk to: the coordinator does not answer under its address. */
export class NoCoordinator extends Error {
  override readonly name = 'NoCoordinator';
  readonly url: string;

  constructor(url: string, cause: unknown) {
    const why = cause instanceof Error ? cause.message || (cause as NodeJS.ErrnoException).code : String(cause);
    super(`no coordinator answers at ${url} (${why}); is it running, and is CONCORDAT_URL right?`, { cause });
    this.url = url;
  }
}
