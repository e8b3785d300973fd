/** Gives whoever asks for AVA the stand-in beside this file. */
type Resolved = { readonly url: string; readonly shortCircuit?: boolean };
type Next = (specifier: string, context: unknown) => Promise<Resolved>;

export const resolve = async (specifier: string, context: unknown, next: Next): Promise<Resolved> =>
  specifier === 'ava'
    ? { url: new URL('./ava.js', import.meta.url).href, shortCircuit: true }
    : next(specifier, context);
