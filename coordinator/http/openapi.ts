import { apiDocument } from './describe/document.js';
import type { Answer, Route } from './route.js';

/** Answers the description of the routes. It is made when somebody asks first. */
export function describing(routes: () => readonly Route[]): Route['handle'] {
  let answer: Answer | undefined;
  return () => {
    answer ??= { status: 200, body: JSON.stringify(apiDocument(routes())) };
    return answer;
  };
}
