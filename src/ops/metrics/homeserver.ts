/** Metrics of the own homeserver. */
import { CODES, counter, gauge, type Section } from './metric.ts';

export const HOMESERVER: Section = {
  title: 'Homeserver',
  metrics: {
    ready: gauge(
      'Whether `/ready` says so: homeserver and database work.',
      '0: calls do not work; the next ones say what is missing.',
    ),
    homeserver_ready: gauge(
      'Whether the homeserver answers, and brings messages.',
      '0: it is away, hangs or is deaf; the log has the reason.',
    ),
    homeserver_calls_back: gauge(
      'Whether the homeserver reaches this bridge; NaN where that is not known.',
      '0: `appservice.url` or the registration is wrong, or the way is cut. Calls work all the same, the admin room does not.',
    ),
    homeserver_lag_seconds: gauge(
      'How long the latest message of the bridge to itself took; NaN before the first.',
      'Some hundredths are usual; seconds: the homeserver is slow to bring messages.',
    ),
    homeserver_last_answer_age_seconds: gauge(
      'Since the last answer to the long poll; NaN before the first.',
      'Up to 10 s are usual where nothing happens; more than 20: it hangs.',
    ),
    echo_lost: counter('Messages of the bridge to itself that did not come back.', 'The homeserver answers and brings nothing.'),
    echo_failed: counter('Messages of the bridge to itself that could not be sent.', 'The homeserver is away, or refuses.', {
      code: CODES,
    }),
    sync_failed: counter(
      'Requests for messages that failed.',
      'The homeserver is away (`homeserver_absent`, `homeserver_unreachable`), deaf, or refuses.',
      { code: CODES },
    ),
    access_failed: counter(
      'What was found out of the homeserver could not be written down.',
      'The disk is full, or the database is held.',
    ),
    inbound_refused: counter(
      'What came from the homeserver and was refused.',
      'Codes that are not about time or rates are in quarantine: somebody sends what is no good.',
      { code: CODES },
    ),
    inbound_dropped: counter(
      'What came from the homeserver and was dropped.',
      '`sender`: from users that are no bridge. `full`: inboxes of devices were full.',
      { reason: ['sender', 'full'] },
    ),
    appservice_failed: counter(
      'Requests of the homeserver that failed here.',
      '`token`: somebody without the hs_token, or a homeserver with another one. `internal`: the database failed, or a bug.',
      { reason: ['token', 'internal'] },
    ),
    transaction_refused: counter(
      'Transactions of the homeserver that were no transactions.',
      'They are in quarantine, and nothing waits for them.',
      {
        code: CODES,
      },
    ),
    admin_room_commands: counter(
      'Lines of admins that were answered in the room with the bot.',
      'Somebody administers this bridge.',
    ),
    admin_room_ignored: counter(
      'What came in a room with the bot and was left alone.',
      '`sender`: from users who are no admins; `too_many`: admins who write too fast.',
      {
        reason: ['malformed', 'invite', 'done', 'too_many', 'leaving', 'sender', 'old'],
      },
    ),
    admin_room_failed: counter('What the bot could not do.', 'The homeserver refuses, or is away.', { code: CODES }),
    ghost_failed: counter(
      'Members’ users that could not be made on the homeserver.',
      'Calls work without; the log has the reason.',
      { code: CODES },
    ),
  },
};
