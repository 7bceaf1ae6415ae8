/** What can be wrong with the homeserver, and between it and the bridge. */
import type { Trouble } from './trouble.ts';

export const HOMESERVER_TROUBLES = {
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
    cure: 'Name this registration file under app_service_config_files, see that the homeserver’s copy is the same, restart the homeserver; or mend homeserver.url, where it leads to another.',
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
} as const satisfies Record<string, Trouble>;
