/** Metrics of what is kept, and of the process. */
import { counter, gauge, histogram, type Section } from './metric.ts';

export const STORAGE: Section = {
  title: 'Database and process',
  metrics: {
    database_ready: gauge(
      'Whether the database can be written.',
      '0: the disk is full, or another program holds it; nothing new is accepted.',
    ),
    database_commit_seconds: histogram(
      'How long a commit took, the disk’s word included.',
      'The loop stands meanwhile. Tens of milliseconds for long: the disk is slow, or shared with something that is not.',
      [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1],
    ),
    database_commits_failed: counter('Commits that failed for good.', 'The disk is full, or the database is held.'),
    inbox_envelopes: gauge(
      'Envelopes for own devices that nobody has taken.',
      'Devices that are away; docs/LIMITS.md has how many there may be.',
    ),
    ids_remembered: gauge(
      'Ids of envelopes that are remembered, to know repeats.',
      'Grows with traffic; docs/LIMITS.md has how many there may be.',
    ),
    journal_entries: gauge(
      'Answers of the homeserver that are not routed yet.',
      'Stands above 0: the database fails, or inboxes are full.',
    ),
    quarantine_entries: gauge('Refused contents that are kept for the operator.', 'Grows: somebody sends what is no good.'),
    quarantine_failed: counter('Refused contents that could not be kept.', 'The disk is full, or the database is held.'),
    journal_failed: counter(
      'Answers that could not be taken out of the journal; the next start does.',
      'The disk is full, or the database is held.',
    ),
    sweep_failed: counter(
      'Sweeps over what has ended that failed; the next one does its work.',
      'The disk is full, or the database is held.',
    ),
    build_info: gauge('1; its labels say which program this is.', 'To see upgrades beside everything else.', {
      version: [],
      node: [],
    }),
  },
};
