import { z } from 'zod';
import { about, address, givenPath, listen, publicUrl, section } from '../fields.ts';

const tls = about(
  section('', {
    certificate: givenPath('The certificate with its chain, PEM. Read again on SIGHUP, when it was renewed.', './tls.crt', {
      reloads: true,
    }),
    key: givenPath('Its private key, PEM. Read again too.', './tls.key', { reloads: true }),
  }).optional(),
  {
    description:
      'For a gateway without a reverse proxy in front, which would otherwise end TLS. Without this section it is plain WebSocket.',
    allowed: 'a section with certificate, key',
  },
);

export const gateway = section('The side that members’ apps connect to.', {
  listen: listen('Where the gateway listens.', '127.0.0.1 behind a reverse proxy.', 29_331),
  public_url: about(publicUrl, {
    description: 'The address that invites give to members’ apps. /volly/v1 is added to it.',
    allowed: 'a wss:// or https:// address (ws:// or http:// for localhost only)',
    reloads: true,
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
      reloads: true,
    },
  ),
  tls,
});
