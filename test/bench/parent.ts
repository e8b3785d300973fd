/** How a process of the bench is told what to do: one message over IPC, one answer. */

export type Reply<Done> = { readonly done: Done } | { readonly failed: string };

/** Answers each message of the parent with what `work` resolves with. Ends with the parent. */
export function answerParent<Message, Done>(work: (message: Message) => Promise<Done>): void {
  process.on('message', (message: Message) => {
    work(message).then(
      (done) => process.send?.({ done } satisfies Reply<Done>),
      (error: Error) => process.send?.({ failed: error.stack ?? error.message } satisfies Reply<Done>),
    );
  });
  process.on('disconnect', () => process.exit());
  process.send?.('ready');
}
