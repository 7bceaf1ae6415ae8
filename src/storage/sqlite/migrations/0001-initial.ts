/**
 * The first schema. A migration that has been released is never changed; the next change is the next number.
 * Counts that a cap needs on every write are kept by triggers, inside the same commit as the rows they count.
 */
export const initial = `
CREATE TABLE journal (
  entry INTEGER PRIMARY KEY AUTOINCREMENT,
  receiver TEXT NOT NULL,
  raw TEXT NOT NULL
) STRICT;

CREATE TABLE inbox (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  origin TEXT NOT NULL,
  id TEXT NOT NULL,
  type TEXT NOT NULL,
  recipient TEXT NOT NULL,
  sender TEXT NOT NULL,
  expires INTEGER NOT NULL,
  encoded TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX inbox_key ON inbox (origin, id);
CREATE INDEX inbox_recipient ON inbox (recipient, seq);
CREATE INDEX inbox_expires ON inbox (expires);
-- Who fills a device's inbox is counted at each row that comes in.
CREATE INDEX inbox_recipient_sender ON inbox (recipient, sender, type, origin);

CREATE TABLE inbox_seen (
  origin TEXT NOT NULL,
  id TEXT NOT NULL,
  forget_at INTEGER NOT NULL,
  PRIMARY KEY (origin, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX inbox_seen_forget ON inbox_seen (forget_at);

CREATE TABLE inbox_counts (
  origin TEXT PRIMARY KEY,
  waiting INTEGER NOT NULL DEFAULT 0,
  seen INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE TRIGGER inbox_added AFTER INSERT ON inbox BEGIN
  INSERT INTO inbox_counts (origin, waiting) VALUES (new.origin, 1) ON CONFLICT DO UPDATE SET waiting = waiting + 1;
END;
CREATE TRIGGER inbox_removed AFTER DELETE ON inbox BEGIN
  UPDATE inbox_counts SET waiting = waiting - 1 WHERE origin = old.origin;
END;
CREATE TRIGGER inbox_seen_added AFTER INSERT ON inbox_seen BEGIN
  INSERT INTO inbox_counts (origin, seen) VALUES (new.origin, 1) ON CONFLICT DO UPDATE SET seen = seen + 1;
END;
CREATE TRIGGER inbox_seen_removed AFTER DELETE ON inbox_seen BEGIN
  UPDATE inbox_counts SET seen = seen - 1 WHERE origin = old.origin;
END;

CREATE TABLE outbox (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  peer TEXT NOT NULL,
  type TEXT NOT NULL,
  sender TEXT NOT NULL,
  recipient TEXT NOT NULL,
  expires INTEGER NOT NULL,
  encoded TEXT NOT NULL
) STRICT;
CREATE INDEX outbox_sender ON outbox (peer, sender);

CREATE TABLE outbox_acked (
  id TEXT PRIMARY KEY,
  peer TEXT NOT NULL,
  type TEXT NOT NULL,
  sender TEXT NOT NULL,
  recipient TEXT NOT NULL,
  expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX outbox_acked_expires ON outbox_acked (expires);

CREATE TABLE outbox_counts (peer TEXT PRIMARY KEY, waiting INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TRIGGER outbox_added AFTER INSERT ON outbox BEGIN
  INSERT INTO outbox_counts VALUES (new.peer, 1) ON CONFLICT DO UPDATE SET waiting = waiting + 1;
END;
CREATE TRIGGER outbox_removed AFTER DELETE ON outbox BEGIN
  UPDATE outbox_counts SET waiting = waiting - 1 WHERE peer = old.peer;
  DELETE FROM outbox_counts WHERE peer = old.peer AND waiting = 0;
END;

CREATE TABLE peers (server TEXT PRIMARY KEY, heard_at INTEGER NOT NULL, skew INTEGER) STRICT, WITHOUT ROWID;

CREATE TABLE quarantine (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  source TEXT NOT NULL,
  code TEXT NOT NULL,
  content TEXT NOT NULL,
  size INTEGER NOT NULL
) STRICT;
-- Its sums are taken at each row that comes in: without the index they would read the contents, 16 MB, every time.
CREATE INDEX quarantine_size ON quarantine (size);

CREATE TABLE members (member TEXT PRIMARY KEY, kind TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE lists (
  member TEXT PRIMARY KEY REFERENCES members,
  version INTEGER NOT NULL,
  hash BLOB NOT NULL,
  bytes BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE devices (
  member TEXT NOT NULL REFERENCES members,
  device TEXT NOT NULL,
  key BLOB NOT NULL,
  PRIMARY KEY (member, device)
) STRICT, WITHOUT ROWID;
CREATE TABLE bundles (
  member TEXT NOT NULL REFERENCES members,
  device TEXT NOT NULL,
  bundle BLOB NOT NULL,
  PRIMARY KEY (member, device)
) STRICT;

CREATE TABLE invites (hash BLOB PRIMARY KEY, member TEXT NOT NULL, expires INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE tickets (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  hash BLOB NOT NULL UNIQUE,
  device TEXT NOT NULL,
  state BLOB NOT NULL,
  expires INTEGER NOT NULL
) STRICT;
CREATE INDEX tickets_device ON tickets (device, seq);

CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
`;
