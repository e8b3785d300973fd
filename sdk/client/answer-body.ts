/** Watches whether the body of an answer can be read to its end. */

const readers = ['arrayBuffer', 'blob', 'bytes', 'formData', 'json', 'text'] as const;

/**
 * The answer itself, with every way to read its body watched: `onBroken` hears that one failed before its reader does. A
 * body that nobody reads, one that is read twice, and one that its reader lets go of are not broken.
 */
export function watchBody(answer: Response, onBroken: (error: unknown) => void): Response {
  for (const name of readers) {
    const read: unknown = Reflect.get(answer, name);
    // `bytes` is younger than the others.
    if (typeof read === 'function') put(answer, name, { value: () => watched(answer, read, onBroken) });
  }
  const clone = answer.clone.bind(answer);
  put(answer, 'clone', { value: () => watchBody(clone(), onBroken) });
  const { body } = answer;
  if (body) {
    const stream = watchedStream(body, onBroken);
    put(answer, 'body', { get: () => stream });
  }
  return answer;
}

const put = (answer: Response, name: string, how: PropertyDescriptor): void =>
  void Object.defineProperty(answer, name, { configurable: true, ...how });

async function watched(answer: Response, read: object, onBroken: (error: unknown) => void): Promise<unknown> {
  const { bodyUsed, ok } = answer;
  try {
    return await (Reflect.apply(read as () => Promise<unknown>, answer, []) as Promise<unknown>);
  } catch (error) {
    // It was there in full, and its status is a no by itself.
    const isUnderstood = error instanceof SyntaxError && !ok;
    if (!bodyUsed && !isUnderstood) onBroken(error);
    throw error;
  }
}

/** Locks the body when it is first read, so that the other ways to read it are open until then. */
function watchedStream(
  body: ReadableStream<Uint8Array>,
  onBroken: (error: unknown) => void,
): ReadableStream<Uint8Array> {
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        reader ??= body.getReader();
        const { done, value } = await reader.read().catch((error: unknown) => {
          onBroken(error);
          throw error;
        });
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: (reason) => (reader ?? body).cancel(reason),
    },
    { highWaterMark: 0 },
  );
}
