/** Metrics of the way to other communities. */
import { CODES, counter, gauge, histogram, type Section } from './metric.ts';

/** Those of the configuration, now and to come. */
const CARRIERS = ['to_device', 'link', 'p2p'];

export const PEERS: Section = {
  title: 'Other communities',
  metrics: {
    peers: gauge(
      'Communities that something waits for, or whose bridges have spoken to this one, by the state of the way to them.',
      '`unreachable`: their homeserver does not answer; `silent`: it does, and their bridge does not. `volly-bridge status` names them.',
      { state: ['ok', 'waiting', 'unreachable', 'silent'] },
    ),
    outbox_envelopes: gauge(
      'Envelopes for other communities that they have not acknowledged.',
      'What stays there waits for somebody: it should come back to nearly 0.',
    ),
    outbox_bytes: gauge('The bytes of those envelopes.', 'docs/LIMITS.md has how many there may be; past it calls are refused.'),
    outbox_oldest_seconds: gauge(
      'How long the oldest of those envelopes has waited, in this run of the bridge.',
      'More than some seconds: a community, or the own homeserver, does not take what is sent.',
    ),
    ack_seconds: histogram(
      'From an envelope that a carrier took to the other bridge’s acknowledgement, of those that were sent once.',
      'The way there and back between two bridges, 0.1 s for gathering acknowledgements included. Where it grows, a homeserver on the way is slow.',
      [0.1, 0.15, 0.2, 0.3, 0.5, 1, 2, 4, 8, 16],
      { carrier: CARRIERS },
    ),
    carrier_request_seconds: histogram(
      'How long a carrier took to hand envelopes over.',
      'For `to_device`: how long the own homeserver takes for one request.',
      [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 15],
      { carrier: CARRIERS },
    ),
    carrier_requests: counter(
      'Attempts of a carrier, by result: `ok`, or the code of its failure.',
      'Which carrier carries, and why one does not.',
      { carrier: CARRIERS, result: ['ok', ...CODES] },
    ),
    send_failed: counter(
      'Requests that no carrier could bring away.',
      'Rises while a community, or the own homeserver, cannot be reached.',
    ),
    envelopes_sent: counter(
      'Envelopes that a carrier took, the first time and again.',
      'Many a `repeat` for each `first`: acknowledgements are late, or lost.',
      { attempt: ['first', 'repeat'] },
    ),
    wakes: counter(
      'Attempts to wake the way to a community that something waits for.',
      'Rises after cuts between homeservers; `unanswered`: it is still cut.',
      { result: ['answered', 'unanswered'] },
    ),
    acks_pending: gauge(
      'Ids gathered for acknowledgements that are not sent yet.',
      'Gathered for 0.1 s; more than some hundreds for long: a bug.',
    ),
    clock_skew: counter(
      'Hellos that showed a clock which differs by more than 20 s.',
      'Look at NTP, here and there; the log names the server.',
    ),
    end_failed: counter(
      'Ends that could not be told, as the database failed; they are told later.',
      'The disk is full, or the database is held.',
    ),
    peers_failed: counter('Failures to write down who was heard.', 'The disk is full, or the database is held.'),
  },
};
