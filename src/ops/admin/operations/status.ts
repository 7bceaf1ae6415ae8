/** How the bridge is. */
import { z } from 'zod';
import type { Status } from '../../status.ts';
import { statusPage } from '../../status-page.ts';
import { operation } from '../operation.ts';
import { nothing } from '../params.ts';
import { peerState } from './peer-state.ts';

const homeserver = z.strictObject({
  url: z.string(),
  software: z.string().meta({ description: '`Synapse/1.163.2`, or `unknown`.' }),
  way: z.string().meta({ description: 'How the bridge user’s inbox is read: `as_token`, `login`, or `unknown`.' }),
  proven: z.boolean().meta({ description: 'A message of the bridge to itself came back by this way.' }),
  named: z.boolean().meta({ description: 'The bridge user has a display name, by which others wake federation.' }),
  callsBack: z.string().meta({ description: 'Whether the homeserver reaches the bridge: `yes`, `no` or `unknown`.' }),
  ready: z.boolean().meta({ description: 'It brings messages.' }),
  lastSyncAgeMs: z.number().optional().meta({ description: 'Since its last answer.' }),
  lagMs: z.number().optional().meta({ description: 'How long the latest message to itself took.' }),
});

export const status = operation({
  name: 'status',
  method: 'GET',
  path: '/status',
  summary: 'show how the running bridge, its homeserver and its peers are',
  changes: false,
  params: nothing,
  result: z.strictObject({
    version: z.string(),
    server: z.string(),
    uptimeMs: z.number(),
    homeserver,
    counts: z
      .record(z.string(), z.number())
      .meta({ description: 'Sockets, queues, and what is remembered; the gauges of /metrics.' }),
    peers: z.array(peerState),
  }),
  errors: [],
  perform: async (ports) => {
    const { peers, ...rest } = await ports.status();
    return { ...rest, peers: [...peers] };
  },
  text: (now) => statusPage(now as Status),
});
