/** A peer, as status and the peers' own operations show it. */
import { z } from 'zod';
import { serverName, time } from '../params.ts';

export const peerState = z.strictObject({
  server: serverName,
  state: z.enum(['ok', 'waiting', 'unreachable', 'silent']).meta({
    description:
      '`ok`: nothing waits for it longer than 2 s. Else `waiting`: it is being woken; `unreachable`: its server does not answer; `silent`: its server answers, and its bridge does not.',
  }),
  waiting: z.int().meta({ description: 'Envelopes that it has not acknowledged.' }),
  bytes: z.int(),
  oldestMs: z.number().meta({ description: 'How long the oldest of these has waited in this run.' }),
  heardAt: time
    .optional()
    .meta({ description: 'When its bridge was last heard, Unix ms; roughly, where that was before this run.' }),
  skewMs: z.number().optional().meta({ description: 'How far its clock is ahead of ours.' }),
});
