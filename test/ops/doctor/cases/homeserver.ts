/** The homeserver: whether it is one, whether it is ours, and whether it knows the bridge. */
import { createAuthority, type ServerCertificate } from '../../../support/homeserver/certificates.ts';
import { HOST } from '../../../support/homeserver/ports.ts';
import { type Case, elsewhere, NOWHERE } from '../case.ts';
import { TestHomeserver } from '../homeserver.ts';
import type { World } from '../world.ts';

const IMPATIENT_MS = 400;
const at = (port: number, scheme = 'http') => ({ homeserver: { url: `${scheme}://localhost:${port}` } });

/** The client API by TLS, with such a certificate. */
async function secure(world: World, certificate: ServerCertificate): Promise<void> {
  const homeserver = await TestHomeserver.start(world.authority.issue(), certificate);
  world.end(() => homeserver.stop());
  world.configure(at(homeserver.port, 'https'));
}

const never = (): Promise<never> => new Promise(() => {});

export const HOMESERVER: readonly Case[] = [
  { name: 'a homeserver that is down', breaks: (w) => w.configure(at(1)), names: ['homeserver:homeserver_down'] },
  {
    name: 'a homeserver’s name that does not exist',
    breaks: (w) => w.configure({ homeserver: { url: `http://${NOWHERE}` } }),
    names: ['homeserver:homeserver_unknown_host'],
  },
  {
    name: 'a homeserver that hangs',
    breaks(w) {
      w.lay({ answerMs: IMPATIENT_MS });
      w.homeserver.instead = never;
    },
    names: ['homeserver:homeserver_silent'],
  },
  {
    name: 'a proxy without its homeserver',
    breaks: (w) => w.answer(() => [502, '<html>']),
    names: ['homeserver:homeserver_failing'],
  },
  {
    name: 'a web site at homeserver.url',
    breaks: async (w) => w.configure(at(await elsewhere(w, (_, response) => response.end('<html>')))),
    names: ['homeserver:homeserver_is_another'],
  },
  {
    name: 'https to a homeserver without TLS',
    breaks: (w) => w.configure(at(w.homeserver.port, 'https')),
    names: ['homeserver:speaks_no_tls'],
  },
  {
    name: 'http to a homeserver with TLS',
    breaks: async (w) => w.configure(at(await elsewhere(w, (_, response) => response.end('{}'), 0, w.authority.issue()))),
    names: ['homeserver:wants_tls'],
  },
  {
    name: 'a homeserver whose certificate has expired',
    breaks: (w) => secure(w, w.authority.issue({ days: -1 })),
    names: ['homeserver:certificate_expired'],
  },
  {
    name: 'a homeserver with the certificate of another name',
    breaks: (w) => secure(w, w.authority.issue({ host: 'iris.example' })),
    names: ['homeserver:certificate_of_other_name'],
  },
  {
    name: 'a homeserver with a certificate that nobody trusts',
    breaks: (w) => secure(w, createAuthority().issue()),
    names: ['homeserver:certificate_untrusted'],
  },
  { name: 'a clock that is off', breaks: (w) => w.shift(120_000), names: ['clock:clock_off'] },
  { name: 'a clock that drifts', breaks: (w) => w.shift(-10_000), names: ['clock:clock_drifts'] },
  { name: 'an old Synapse', breaks: (w) => w.beSoftware('Synapse/1.98.0'), names: ['software:synapse_old'] },
  {
    name: 'another homeserver program',
    breaks: (w) =>
      w.answer((path) =>
        path.endsWith('/federation/v1/version') ? [200, { server: { name: 'Conduit', version: '0.9' } }] : undefined,
      ),
    names: ['software:untested_homeserver'],
  },
  {
    name: 'a homeserver that has not loaded the registration',
    breaks(w) {
      w.homeserver.loaded = undefined;
    },
    names: ['as_token:as_token_unknown'],
  },
  { name: 'another as_token there', breaks: (w) => w.load({ asToken: 'x'.repeat(64) }), names: ['as_token:as_token_unknown'] },
  {
    name: 'another server_name',
    breaks(w) {
      w.homeserver.serverName = 'iris.example';
    },
    names: ['server_name:server_name_differs'],
  },
  { name: 'other namespaces there', breaks: (w) => w.load({ owns: false }), names: ['bridge_user:user_refused'] },
  { name: 'another hs_token there', breaks: (w) => w.load({ hsToken: 'x'.repeat(64) }), names: ['ping:hs_token_differs'] },
  {
    name: 'another hs_token there, while the bridge runs',
    breaks: (w) => w.load({ hsToken: 'x'.repeat(64) }),
    names: ['ping:hs_token_differs'],
    ...{ runs: true, isOpen: true },
  },
  { name: 'another id there', breaks: (w) => w.load({ id: 'volly2' }), names: ['ping:appservice_id_differs'] },
  {
    name: 'an appservice.url where nobody listens',
    breaks: (w) => w.load({ url: `http://${HOST}:1` }),
    names: ['ping:appservice_url_unreachable'],
  },
  {
    name: 'an appservice.url of another program',
    breaks: async (w) => w.load({ url: `http://${HOST}:${await elsewhere(w, (_, response) => response.writeHead(404).end())}` }),
    names: ['ping:appservice_url_is_another'],
  },
  {
    name: 'an appservice.url of another program that says yes to all',
    breaks: async (w) => w.load({ url: `http://${HOST}:${await elsewhere(w, (_, response) => response.end('{}'))}` }),
    names: ['ping:appservice_url_is_another'],
  },
  {
    name: 'a homeserver that loses messages',
    breaks(w) {
      w.lay({ returnMs: IMPATIENT_MS });
      w.homeserver.echoMs = Number.POSITIVE_INFINITY;
    },
    names: ['receiving:echo_lost'],
  },
  {
    name: 'a Dendrite, which brings nothing by the as_token and is not at fault',
    breaks(w) {
      w.lay({ returnMs: IMPATIENT_MS });
      w.beSoftware('Dendrite/0.13.8');
      w.homeserver.echoMs = Number.POSITIVE_INFINITY;
    },
    names: [],
  },
  { name: 'an inbox with much in it, which is no fault', breaks: (w) => w.homeserver.fill(20, 60_000), names: [] },
  { name: 'an inbox that one answer does not hold, which is no fault', breaks: (w) => w.homeserver.fill(200, 100), names: [] },
];
