/** What stands at the gateway's public address. */
import { createAuthority } from '../../../support/homeserver/certificates.ts';
import { reservePorts } from '../../../support/homeserver/ports.ts';
import { type Case, NOWHERE } from '../case.ts';
import type { DoorOptions } from '../gateway.ts';
import type { World } from '../world.ts';

/** Where the public address is wss://. */
async function secure(world: World, over: Partial<DoorOptions> = {}): Promise<void> {
  world.configure({ gateway: { public_url: `wss://localhost:${world.ports.gateway}` } });
  await world.door(over);
}

const wrong: readonly Case[] = [
  {
    name: 'a public address where nobody listens',
    breaks: async (w) => w.configure({ gateway: { public_url: `wss://localhost:${(await reservePorts())[0]}` } }),
    names: ['gateway:gateway_unreachable'],
  },
  {
    name: 'a public address that has no DNS record',
    breaks: (w) => w.configure({ gateway: { public_url: `wss://${NOWHERE}` } }),
    names: ['gateway:gateway_unknown_host'],
  },
  { name: 'a gateway without TLS', breaks: (w) => secure(w), names: ['gateway:speaks_no_tls'] },
  {
    name: 'a gateway whose certificate has expired',
    breaks: (w) => secure(w, { tls: w.authority.issue({ days: -1 }) }),
    names: ['gateway:certificate_expired'],
  },
  {
    name: 'a gateway whose certificate ends tomorrow',
    breaks: (w) => secure(w, { tls: w.authority.issue({ days: 1 }) }),
    names: ['gateway:certificate_ends_soon'],
  },
  {
    name: 'a gateway with the certificate of another name',
    breaks: (w) => secure(w, { tls: w.authority.issue({ host: 'iris.example' }) }),
    names: ['gateway:certificate_of_other_name'],
  },
  {
    name: 'a gateway with a certificate that nobody trusts',
    breaks: (w) => secure(w, { tls: createAuthority().issue() }),
    names: ['gateway:certificate_untrusted'],
  },
  { name: 'a proxy that drops upgrades', breaks: (w) => w.door({ status: 426 }), names: ['gateway:upgrade_dropped'] },
  {
    name: 'a proxy that answers upgrades with a page',
    breaks: (w) => w.door({ status: 200 }),
    names: ['gateway:upgrade_dropped'],
  },
  {
    name: 'a proxy that does not reach the gateway',
    breaks: (w) => w.door({ status: 502 }),
    names: ['gateway:gateway_not_behind'],
  },
  { name: 'a proxy that has another path', breaks: (w) => w.door({ status: 404 }), names: ['gateway:gateway_path_differs'] },
  { name: 'a WebSocket server that is no gateway', breaks: (w) => w.door({ echoes: true }), names: ['gateway:not_a_gateway'] },
  {
    name: 'the gateway of another key',
    breaks: (w) => w.door({ seed: new Uint8Array(64).fill(7) }),
    names: ['gateway:gateway_of_other_community'],
  },
];

export const GATEWAY: readonly Case[] = wrong.map((one) => ({ ...one, runs: true }));
