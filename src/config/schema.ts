/**
 * The only truth about the configuration: what there is, what is allowed, what holds when nothing is said, and why. The sample file, the
 * checks and their messages all come from here.
 */
import { z } from 'zod';
import { LIMITS } from '../limits.ts';
import { about, address, host, origin, path, port, publicUrl, section, serverName, serverRule } from './fields.ts';

const homeserver = section('The Matrix homeserver of this community.', {
  url: about(origin.prefault('http://127.0.0.1:8008'), {
    description: 'Where the bridge reaches the homeserver’s client API. Plain http is for the same machine.',
    allowed: 'an http:// or https:// address without a path',
  }),
  server_name: about(serverName, {
    description: 'The homeserver’s server_name: the part of members’ addresses behind the @. It can never be changed.',
    allowed: 'a Matrix server name in lower case, with its port if it has one, as orchid.example',
    example: 'orchid.example',
  }),
});

const appservice = section('The side that the homeserver calls. Keep its port away from the internet.', {
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
  listen: section('Where the bridge listens for it; /live and /ready are answered here too.', {
    host: host('The address to listen on: 127.0.0.1 unless the homeserver is on another machine.'),
    port: port('The port to listen on.', 29_330),
  }).prefault({}),
  registration: path(
    'The registration file. It alone holds the two tokens; `volly-bridge registration` writes it, the homeserver reads it.',
    './data/registration.yaml',
  ),
});

const tls = about(
  section('', {
    certificate: about(z.string().min(1), {
      description: 'The certificate with its chain, PEM.',
      allowed: 'a path, relative to this file or absolute',
      example: './tls.crt',
    }),
    key: about(z.string().min(1), {
      description: 'Its private key, PEM.',
      allowed: 'a path, relative to this file or absolute',
      example: './tls.key',
    }),
  }).optional(),
  {
    description:
      'For a gateway without a reverse proxy in front, which would otherwise end TLS. Without this section it is plain WebSocket.',
    allowed: 'a section with certificate, key',
  },
);

const gateway = section('The side that members’ apps connect to.', {
  listen: section('Where the gateway listens.', {
    host: host('The address to listen on: 127.0.0.1 behind a reverse proxy.'),
    port: port('The port to listen on.', 29_331),
  }).prefault({}),
  public_url: about(publicUrl, {
    description: 'The address that invites give to members’ apps. /volly/v1 is added to it.',
    allowed: 'a wss:// or https:// address (ws:// or http:// for localhost only)',
    example: 'wss://volly.orchid.example',
  }),
  legacy: about(z.boolean().default(false), {
    description:
      'Admit apps that cannot encrypt: the bridge then encrypts for them and could read their calls. Peers are shown that.',
    allowed: 'true or false',
  }),
  trusted_proxies: about(
    z
      .array(about(address, { description: 'One proxy or network.', allowed: 'an IP address or a network, as 10.0.0.0/8' }))
      .default(['127.0.0.1', '::1']),
    {
      description:
        'Reverse proxies whose X-Forwarded-For is believed, so that limits count each app by its own address and not all by the proxy’s.',
      allowed: 'a list of IP addresses and networks',
    },
  ),
  tls,
});

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
    { description, allowed: 'a list of Matrix server names' },
  );

const policy = section('With which communities messages are exchanged.', {
  allow: servers('If any are named, only these.'),
  deny: servers('Never with these.'),
});

const carrier = about(
  section('One way and how long an attempt of it may last.', {
    kind: about(z.enum(['to_device']), {
      description: 'to_device: Matrix to-device messages by the homeserver. There is no other yet.',
      allowed: 'to_device',
    }),
    timeout_ms: about(z.int().min(1_000).max(LIMITS.messageLifeMs).default(LIMITS.carrierMs), {
      description: 'An attempt that has not come to an end by then has failed, and the next way is tried.',
      allowed: `a whole number from 1000 to ${LIMITS.messageLifeMs}`,
    }),
  }),
  { description: 'One way.', allowed: 'a section with kind, timeout_ms' },
);

export const configSchema = section('The Volly bridge.', {
  homeserver,
  appservice: appservice.prefault({}),
  gateway,
  storage: section('What the bridge keeps.', {
    path: path(
      'The SQLite database. Back it up with the homeserver’s; losing it loses members and waiting messages.',
      './data/volly.db',
    ),
  }).prefault({}),
  keys: section('The community’s own key.', {
    path: path(
      'Made at the first start, for its owner’s eyes only. Apps pin this key: losing it makes every member enrol again.',
      './data/community.key',
    ),
  }).prefault({}),
  policy: policy.prefault({}),
  carriers: about(
    z
      .array(carrier)
      .min(1)
      .default([{ kind: 'to_device', timeout_ms: LIMITS.carrierMs }]),
    {
      description: 'The ways to other communities, in the order in which they are tried, each with the time an attempt is given.',
      allowed: 'a list of sections with kind, timeout_ms',
    },
  ),
  logging: section('What is written to standard output.', {
    level: about(z.enum(['error', 'warn', 'info', 'debug']).default('info'), {
      description: 'No level logs what members say, to whom, or any key or token.',
      allowed: 'error, warn, info or debug',
    }),
  }).prefault({}),
});

export type Config = z.infer<typeof configSchema>;
