import { listsIn } from '../lists.js';
import type { Row } from '../rows.js';
import { schema } from './statements.js';
import { readable } from './tail.js';
import { toText } from './text.js';

export const lists = listsIn({
  from: (db, table) => db.withSchema(schema).from<Row, Row[]>(table),
  stored: toText,
  readable,
  takesPart:
    'exists (select 1 from json_array_elements_text(participants::json) as each (participant) where participant = ?)',
});
