/** Promises that a handler left behind and that failed when nobody listened any more. */

const afterEnd = /tx\.db was used after its end/;

/** Calls back for each until it is stopped. They do not end the process meanwhile. */
export function hearRejections(onHeard: (what: string) => void): () => void {
  const hear = (reason: unknown): void => {
    const message = reason instanceof Error ? reason.message : String(reason);
    onHeard(
      afterEnd.test(message)
        ? `something was not awaited, and used tx.db when the handler was back already (${message})`
        : `a promise was not awaited, and failed: ${message}`,
    );
  };
  process.on('unhandledRejection', hear);
  return () => void process.off('unhandledRejection', hear);
}
