/** What an example prints, without what is different in each run. */
const different: readonly (readonly [RegExp, string])[] = [
  [/\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, '<id>'],
  [/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, '<time>'],
  [/(?<=\b127\.0\.0\.1:)\d+/g, '<port>'],
  [/\bpid \d+/g, 'pid <pid>'],
  [/\b\d+(?:\.\d+)? ms\b/g, '<ms> ms'],
];

/** A transcript may begin with the command that printed it. */
export const told = (text: string): string =>
  different.reduce((rest, [pattern, word]) => rest.replace(pattern, word), text.replace(/^\$ .*\n/, '')).trimEnd();
