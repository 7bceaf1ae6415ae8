import { z } from 'zod';
import { about, section, serverRule } from '../fields.ts';

const servers = (description: string) =>
  about(
    z
      .array(
        about(serverRule, {
          description: 'One server, or all below a name.',
          allowed: 'a Matrix server name, as iris.example, or *.iris.example',
        }),
      )
      .prefault([]),
    { description, allowed: 'a list of Matrix server names', reloads: true },
  );

export const policy = section('With which communities messages are exchanged.', {
  allow: servers('If any are named, only these.'),
  deny: servers('Never with these.'),
});
