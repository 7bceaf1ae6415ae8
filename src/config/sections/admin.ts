import { z } from 'zod';
import { about, listen, path, section, userId } from '../fields.ts';

export const admin = section('The side that the operator’s programs call, and who commands the bridge in a Matrix room.', {
  listen: listen(
    'Where the admin API listens. Keep its port away from the internet.',
    '127.0.0.1 unless such a program is on another machine.',
    29_332,
  ),
  token: path('Holds the API’s token. Made at the first start, for its owner’s eyes only.', './data/admin.token'),
  users: about(
    z
      .array(about(userId, { description: 'One user.', allowed: 'a whole Matrix user id, as @operator:orchid.example' }))
      .prefault([]),
    {
      description: 'Matrix users who may command the bridge in a room with it.',
      allowed: 'a list of Matrix user ids',
      reloads: true,
    },
  ),
});
