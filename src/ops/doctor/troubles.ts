/** Everything that the doctor finds wrong, with cause and cure. Codes are stable and never reused. docs/DOCTOR.md is generated from it. */

interface Trouble {
  readonly cause: string;
  readonly cure: string;
}

const catalogue = {
  // The doctor itself
  check_timed_out: {
    cause: 'The check did not come to an end in its time.',
    cure: 'Try again; on a machine that is not overloaded it is a bug: please report it.',
  },
  check_broke: { cause: 'The check itself failed: a bug.', cure: 'Please report the line.' },
  // This machine
  old_node: { cause: 'This Node.js is too old.', cure: 'Install Node.js 24.15 or newer.' },
  bad_config: {
    cause: 'The configuration is not valid.',
    cure: 'Mend the lines named; `volly-bridge config check` tells when they are right.',
  },
  folder_missing: {
    cause: 'A folder that the bridge writes to is not there.',
    cure: 'The first start makes it, and so does `volly-bridge doctor --fix`.',
  },
  not_writable: {
    cause: 'This user may not write there.',
    cure: 'Run the doctor as the user that the bridge runs as; if it was that one, give it the folder (chown).',
  },
  read_only_disk: {
    cause: 'The disk is mounted read-only, by choice or by the system after an error of the disk.',
    cure: 'Look at the system’s log for the disk, mount it writable, start the bridge again.',
  },
  disk_full: {
    cause: 'The disk has no room: the bridge goes on and refuses all that it would have to keep.',
    cure: 'Make room; the bridge mends by itself.',
  },
  disk_low: { cause: 'The disk is nearly full.', cure: 'Make room before it is.' },
  readable_by_others: {
    cause: 'Other users of this machine may read or change a file with secrets.',
    cure: 'chmod 600 it, or run `volly-bridge doctor --fix`; then think of who may have read it.',
  },
  writable_by_others: {
    cause: 'Other users of this machine may change what the bridge does.',
    cure: 'chmod go-w it, or run `volly-bridge doctor --fix`.',
  },
  not_readable: {
    cause: 'This user may not read a file that the bridge needs.',
    cure: 'Run the doctor as the user that the bridge runs as; if it was that one, give it the file (chown).',
  },
  other_owner: {
    cause: 'A file of the bridge belongs to another user: a command was run as root, mostly.',
    cure: 'Give the file to the user that the bridge runs as (chown).',
  },
  // Registration, key, certificate
  registration_missing: {
    cause: 'There is no registration file yet.',
    cure: 'Run `volly-bridge registration`, name the file in homeserver.yaml, restart the homeserver.',
  },
  registration_damaged: {
    cause: 'The registration file is not one.',
    cure: 'Restore it from a backup, or remove it and run `volly-bridge registration`; then restart the homeserver.',
  },
  placeholder_tokens: {
    cause: 'The registration still holds the sample’s placeholder tokens.',
    cure: 'Run `volly-bridge registration`, which makes tokens, and restart the homeserver.',
  },
  weak_tokens: {
    cause: 'The registration’s tokens are short or the same: they can be guessed.',
    cure: 'Remove the file, run `volly-bridge registration`, restart the homeserver.',
  },
  token_files_unusable: {
    cause: 'The tokens that come as files of their own cannot be used.',
    cure: 'Mend what the line names under appservice.as_token_file and hs_token_file.',
  },
  namespaces_differ: {
    cause: 'The registration’s namespaces are not those of this server name.',
    cure: 'Check homeserver.server_name; then run `volly-bridge registration` and restart the homeserver.',
  },
  registration_differs: {
    cause: 'The registration is of another configuration.',
    cure: 'Check appservice.id and appservice.url; then run `volly-bridge registration` and restart the homeserver.',
  },
  pushes_requested: {
    cause: 'The registration asks for pushes of to-device messages: two readers take messages from each other.',
    cure: 'Run `volly-bridge registration`, which writes it without, and restart the homeserver.',
  },
  key_missing: {
    cause: 'There is a database and no community key: apps have pinned the key that was there.',
    cure: 'Restore the key from a backup. Without it a start makes a new one, and every member must enrol again.',
  },
  key_damaged: { cause: 'The community key’s file is not one.', cure: 'Restore it from a backup.' },
  tls_unreadable: {
    cause: 'Certificate or key of gateway.tls cannot be used.',
    cure: 'Check both paths, that both are PEM, and that the key is the certificate’s.',
  },
  // Database
  database_unusable: {
    cause: 'The database cannot be opened.',
    cure: 'Check the permissions of the file and its folder; the code is SQLite’s.',
  },
  database_corrupt: {
    cause: 'The database is damaged.',
    cure: 'Stop the bridge and restore the latest backup; look at the disk.',
  },
  newer_schema: {
    cause: 'The database was written by a newer version of this program.',
    cure: 'Run that version, or restore the backup made before the upgrade.',
  },
  outdated_schema: {
    cause: 'The database is of an older version of this program.',
    cure: 'Back it up; the next start brings it up to date.',
  },
  database_held: {
    cause: 'A running bridge holds the database, and none answers: it hangs, or it runs with another configuration.',
    cure: 'End that process, and start it with this configuration.',
  },
  // Running bridge
  bridge_not_running: { cause: 'No bridge runs.', cure: 'Start it with `volly-bridge start`.' },
  bridge_of_other_config: {
    cause:
      'A bridge answers at appservice.listen, and does not take the admin token of this configuration: it runs with another one.',
    cure: 'Name its configuration with --config, or start it again with this one.',
  },
  admin_token_unusable: {
    cause: 'The admin token’s file holds none, or others may read it.',
    cure: 'Delete it: the next start makes another.',
  },
  bridge_database_fails: {
    cause: 'The running bridge says that its database fails.',
    cure: 'Look at the disk and at what holds the database.',
  },
  bridge_outdated: { cause: 'The running bridge is of another version than the installed one.', cure: 'Start it again.' },
  port_taken: { cause: 'Another program listens where the bridge is to listen.', cure: 'Stop it, or choose another port.' },
  address_unusable: {
    cause: 'This machine cannot listen at that address.',
    cure: 'Choose an address of this machine in the listen section (0.0.0.0 is all of them) and a port from 1024 on.',
  },
  not_receiving: {
    cause: 'The running bridge gets nothing from the homeserver.',
    cure: 'Its log says why (docs/OPERATIONS.md, “Reading the log”); where everything above is good, start it again.',
  },
  slow_homeserver: { cause: 'The homeserver is slow to bring messages.', cure: 'Look at the homeserver’s load and database.' },
  // Homeserver
  homeserver_down: { cause: 'Nobody listens at homeserver.url.', cure: 'Start the homeserver, or mend homeserver.url.' },
  homeserver_unknown_host: {
    cause: 'The host in homeserver.url has no address.',
    cure: 'Mend homeserver.url, or the name service.',
  },
  homeserver_silent: {
    cause: 'Something takes the connection at homeserver.url and answers nothing in time.',
    cure: 'Look whether the homeserver hangs, and what stands between.',
  },
  homeserver_failing: {
    cause: 'The homeserver, or the proxy before it, answers with an error.',
    cure: 'Look at the homeserver’s log; behind a proxy, whether the homeserver runs.',
  },
  homeserver_is_another: {
    cause: 'What answers at homeserver.url is no Matrix homeserver’s client API.',
    cure: 'Mend homeserver.url: it is the client listener’s address, without a path.',
  },
  speaks_no_tls: {
    cause: 'The address says https (wss), and what answers there speaks no TLS.',
    cure: 'Mend address or port, or put TLS there.',
  },
  wants_tls: { cause: 'The address says http, and what answers there wants TLS.', cure: 'Write https.' },
  certificate_expired: {
    cause: 'The certificate is past its time, or not yet in it.',
    cure: 'Renew the certificate; check this machine’s clock.',
  },
  certificate_of_other_name: {
    cause: 'The certificate is for other names than the one asked for.',
    cure: 'Get a certificate for that name, or mend the address.',
  },
  certificate_untrusted: {
    cause: 'The certificate is signed by nobody that this machine trusts: it is self-signed, or its chain is not sent whole.',
    cure: 'Send the whole chain (fullchain.pem); for an authority of your own set NODE_EXTRA_CA_CERTS.',
  },
  certificate_ends_soon: {
    cause: 'The certificate ends within two weeks: nothing has renewed it.',
    cure: 'Look at what renews it.',
  },
  synapse_old: { cause: 'This Synapse is older than the bridge was tested with.', cure: 'Update Synapse to 1.160 or newer.' },
  untested_homeserver: {
    cause: 'The bridge was tested with Synapse and with Dendrite 0.13.8, and this is neither, or does not tell.',
    cure: 'It may work: a message of the bridge to itself shows it.',
  },
  clock_off: {
    cause: 'This machine’s clock and the homeserver’s differ by more than 20 s: calls fail as expired or from the future.',
    cure: 'Synchronise both clocks (NTP).',
  },
  clock_drifts: { cause: 'This machine’s clock and the homeserver’s differ.', cure: 'Synchronise both clocks (NTP).' },
  as_token_unknown: {
    cause:
      'The homeserver does not know the as_token: it has not loaded this registration, or one with another as_token, or was not restarted since.',
    cure: 'Name this registration file under app_service_config_files, see that the homeserver’s copy is the same, restart the homeserver.',
  },
  server_name_differs: {
    cause: 'homeserver.server_name is not the homeserver’s.',
    cure: 'Write the server_name of homeserver.yaml into the configuration, or mend homeserver.url; then `volly-bridge registration`.',
  },
  user_refused: {
    cause:
      'The homeserver does not let the bridge be its bridge user: the registration that it has loaded has other namespaces, or another application service claims them.',
    cure: 'Give the homeserver this registration file, look for another one that claims `@_volly`, restart the homeserver.',
  },
  bridge_user_nameless: {
    cause: 'The homeserver forbids the bridge user a display name: healing after a cut between communities is slower.',
    cure: 'Allow it (enable_set_displayname), if you can.',
  },
  hs_token_differs: {
    cause: 'The homeserver shows another hs_token than this registration’s.',
    cure: 'Give the homeserver this registration file and restart it; the bridge too, where it was started before.',
  },
  appservice_url_unreachable: {
    cause: 'The homeserver does not reach the bridge at the appservice.url of the registration that it has loaded.',
    cure: 'Mend appservice.url so that it is reached from the homeserver (a container has its own 127.0.0.1); `volly-bridge registration`; restart the homeserver.',
  },
  appservice_url_is_another: {
    cause: 'Something else than this bridge answers the homeserver at the appservice.url of the registration that it has loaded.',
    cure: 'Mend appservice.url and appservice.listen; `volly-bridge registration`; restart the homeserver.',
  },
  appservice_id_differs: {
    cause: 'The homeserver knows the as_token under another id than appservice.id.',
    cure: 'Give the homeserver this registration file and restart it.',
  },
  echo_lost: {
    cause: 'A message to the bridge user itself was taken and did not come back.',
    cure: 'Look whether another program reads as the bridge user, and at the homeserver’s log.',
  },
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

export type TroubleCode = keyof typeof catalogue;
export const TROUBLES: Readonly<Record<TroubleCode, Trouble>> = catalogue;
