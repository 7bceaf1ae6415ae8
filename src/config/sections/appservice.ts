import { z } from 'zod';
import { about, givenPath, listen, origin, path, section } from '../fields.ts';

export const appservice = section('The side that the homeserver calls. Keep its port away from the internet.', {
  id: about(
    z
      .string()
      .regex(/^[A-Za-z0-9._-]{1,64}$/)
      .default('volly'),
    {
      description: 'The name under which the homeserver knows this bridge.',
      allowed: '1 to 64 of A-Z a-z 0-9 . _ -',
    },
  ),
  url: about(origin.prefault('http://127.0.0.1:29330'), {
    description: 'Where the homeserver reaches the bridge; goes into the registration.',
    allowed: 'an http:// or https:// address without a path',
  }),
  listen: listen(
    'Where the bridge listens for the homeserver; /live and /ready are answered here too.',
    '127.0.0.1 unless the homeserver is on another machine.',
    29_330,
  ),
  registration: path(
    'The registration file. It alone holds the two tokens; `volly-bridge registration` writes it, the homeserver reads it.',
    './data/registration.yaml',
  ),
  as_token_file: givenPath(
    'The one token where it comes as a file of its own, as from Docker or Kubernetes; the registration is then written with it.',
    '/run/secrets/volly_as_token',
  ).optional(),
  hs_token_file: givenPath('The other one. Both or neither.', '/run/secrets/volly_hs_token').optional(),
});
