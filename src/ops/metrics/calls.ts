/** Metrics of calls, and of all envelopes, as a bridge sees them: their outsides. */
import { CODES, counter, histogram, type Section } from './metric.ts';

export const TYPES = [
  ...['offer', 'answer', 'candidates', 'ringing', 'select_answer', 'negotiate', 'reject', 'hangup', 'heartbeat'].map(
    (name) => `app.volly.call.${name}`,
  ),
  ...['app.volly.presence', 'app.volly.presence.subscribe', 'app.volly.presence.grant'],
  ...['app.volly.keys.query', 'app.volly.keys.bundle', 'app.volly.ack', 'app.volly.undeliverable', 'app.volly.hello'],
];
const FROM = ['device', 'server', 'self'];
const SIDES = ['caller', 'callee'];

export const CALLS: Section = {
  title: 'Calls and envelopes',
  metrics: {
    call_setup_seconds: histogram(
      'From an offer that is routed to the first ringing or the answer that is routed the other way, for each device that is called.',
      'To `ringing` it is what bridges, homeservers and apps take, and should stay below a second; to `answer` it holds the time that people take. On the callee’s side it is the app alone.',
      [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
      { until: ['ringing', 'answer'], side: SIDES },
    ),
    call_outcomes: counter(
      'How offers ended, for each device that is called: with the first word that came, or without one.',
      '`unanswered` and `undelivered` that rise against `answered`: calls do not come through. `hung_up` is mostly a caller who gave up, or another device of the callee that answered.',
      { outcome: ['answered', 'rejected', 'hung_up', 'undelivered', 'unanswered'], side: SIDES },
    ),
    routed: counter('Envelopes that were routed.', 'The traffic, by type, and by who brought it.', { type: TYPES, from: FROM }),
    refused: counter(
      'Envelopes that were refused.',
      '`database`: the disk is full, or another program holds the database. `clock_skew`, `expired`: clocks differ. `rate_limited`, `overloaded`: somebody sends too much.',
      { type: TYPES, from: FROM, code: CODES },
    ),
    ended: counter(
      'Envelopes that came to an end untaken, and whose senders were told so.',
      '`peer_unreachable`, `unconfirmed`: other communities cannot be reached. `undeliverable`: devices that are away. `unknown_member`: wrong addresses.',
      { type: TYPES, reason: CODES },
    ),
    late_end: counter(
      'Words of other bridges on the end of an envelope that is not known any more.',
      'Harmless; many of them show a peer that repeats itself.',
    ),
    dropped: counter(
      'Envelopes that nobody keeps and for which there was no room.',
      '`app.volly.undeliverable`: senders were told nothing. `app.volly.presence`: somebody updates too often, or a peer is slow.',
      { type: TYPES },
    ),
  },
};
