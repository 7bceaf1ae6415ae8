import { path, section } from '../fields.ts';

export const storage = section('What the bridge keeps.', {
  path: path(
    'The SQLite database. Back it up with the homeserver’s; losing it loses members and waiting messages.',
    './data/volly.db',
  ),
});
