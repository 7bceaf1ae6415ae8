/** What can be wrong between this community and everybody else. */
import type { Trouble } from './trouble.ts';

export const OUTSIDE_TROUBLES = {
  // Federation
  well_known_broken: {
    cause: 'The server name’s /.well-known/matrix/server is not what Matrix wants there.',
    cure: 'Serve {"m.server": "host:port"} there, or nothing (404).',
  },
  federation_unreachable: {
    cause: 'From this machine nothing answers where other servers look for this one.',
    cure: 'Try from outside (a federation tester): behind NAT it may work there. Else open port 8448 or serve the well-known file.',
  },
  federation_leads_elsewhere: {
    cause: 'What other servers find under this name is no Matrix server of this name.',
    cure: 'Mend the well-known file, the SRV record, or the proxy’s /_matrix.',
  },
  peer_denied: {
    cause: 'The policy of this bridge does not exchange messages with that server.',
    cure: 'Mend policy.allow and policy.deny, if that is not what you want.',
  },
  peer_unreachable: {
    cause: 'Our homeserver does not reach that server, and neither does this machine.',
    cure: 'Check the name; else its operator must look: the line says what was seen.',
  },
  peer_backed_off: {
    cause:
      'Our homeserver does not reach that server, and this machine does: the homeserver waits after earlier failures, or its settings forbid it.',
    cure: 'Wait some minutes; look at federation_domain_whitelist and ip_range_blacklist of the homeserver, and at its log.',
  },
  peer_without_bridge: { cause: 'That server answers and knows no Volly bridge.', cure: 'Check the name with its operator.' },
  peer_silent: {
    cause: 'That server answers, and its bridge does not.',
    cure: 'Its operator must look at the bridge.',
  },
  peers_waiting: {
    cause: 'Messages wait for communities that do not answer.',
    cure: '`volly-bridge doctor --peer NAME` looks at one; most mend by themselves.',
  },
  peer_clock: {
    cause: 'The clock of another community’s bridge and ours differ by more than 20 s.',
    cure: 'If it is many, ours is wrong: NTP. If it is one, tell its operator.',
  },
  // TURN
  turn_missing: {
    cause: 'The homeserver gives no TURN server: calls between most homes and phones will not connect.',
    cure: 'Run coturn and set turn_uris and turn_shared_secret in homeserver.yaml.',
  },
  turn_not_told: { cause: 'The homeserver refuses to tell its TURN servers.', cure: 'The line says what it answered.' },
  turn_unreachable: {
    cause: 'No TURN server answers.',
    cure: 'Start it; open its ports (3478 UDP and TCP, 5349 TLS); check turn_uris.',
  },
  turn_partly: {
    cause: 'Some of the TURN addresses do not work.',
    cure: 'Mend or remove them from turn_uris: apps lose time with each.',
  },
  turn_secret_differs: {
    cause: 'The TURN server refuses the credentials that the homeserver makes: their secrets differ, or their clocks.',
    cure: 'Make turn_shared_secret of homeserver.yaml and static-auth-secret of coturn the same, restart both; check both clocks.',
  },
  turn_refused: {
    cause: 'The TURN server takes the credentials and gives no relay.',
    cure: 'The line has its error code; coturn’s log says why (quotas, denied addresses).',
  },
  // Gateway
  gateway_unknown_host: {
    cause: 'The host of gateway.public_url has no address.',
    cure: 'Make the DNS record, or mend gateway.public_url.',
  },
  gateway_unreachable: {
    cause: 'Nothing answers at gateway.public_url, seen from this machine.',
    cure: 'Start the reverse proxy, open its port, check the DNS record. Behind NAT try from outside.',
  },
  gateway_not_behind: {
    cause: 'The proxy at gateway.public_url does not reach the gateway.',
    cure: 'Let it pass /volly/ on to gateway.listen.',
  },
  upgrade_dropped: {
    cause: 'The proxy at gateway.public_url does not pass WebSocket upgrades on.',
    cure: 'Pass the headers Upgrade and Connection on (README, step 4, has lines for nginx).',
  },
  gateway_path_differs: {
    cause: 'gateway.public_url answers, and has nothing at /volly/v1.',
    cure: 'Let the proxy pass /volly/ on to gateway.listen with its path unchanged, or mend gateway.public_url.',
  },
  not_a_gateway: {
    cause: 'Something at gateway.public_url takes WebSockets and is no Volly gateway.',
    cure: 'Mend gateway.public_url or the proxy.',
  },
  gateway_of_other_community: {
    cause: 'A gateway with another community’s key answers at gateway.public_url: apps would refuse it.',
    cure: 'Mend gateway.public_url or the proxy; where the bridge runs with another key file, start it again with this configuration.',
  },
} as const satisfies Record<string, Trouble>;
