/** What never comes: a new promise each time, as one for all would keep whoever ever waited for it. */
export const never = (): Promise<never> => new Promise(() => undefined);
