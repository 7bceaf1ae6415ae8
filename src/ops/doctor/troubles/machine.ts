/** What can be wrong on the bridge's own machine. */
import type { Trouble } from './trouble.ts';

export const MACHINE_TROUBLES = {
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
} as const satisfies Record<string, Trouble>;
