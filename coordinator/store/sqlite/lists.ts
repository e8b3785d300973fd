import { listsIn } from '../lists.js';
import type { Row } from '../rows.js';

export const lists = listsIn({
  from: (db, table) => db<Row, Row[]>(table),
  stored: (text) => text,
  readable: (row) => row,
  takesPart: 'exists (select 1 from json_each(participants) where json_each.value = ?)',
});
