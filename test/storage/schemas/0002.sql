-- Schema 2, by node test/storage/schemas/generate.ts. Released: never changed.
-- migration 85dea17920d0ee85ab3305d33e2bbe3b670d77d6726387091718dbef030a10af
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
CREATE TABLE peers (server TEXT PRIMARY KEY, heard_at INTEGER NOT NULL, skew INTEGER) STRICT, WITHOUT ROWID;
CREATE TABLE quarantine (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  source TEXT NOT NULL,
  code TEXT NOT NULL,
  content TEXT NOT NULL,
  size INTEGER NOT NULL
) STRICT;
CREATE INDEX quarantine_size ON quarantine (size);
CREATE TABLE members (member TEXT PRIMARY KEY, kind TEXT NOT NULL, created INTEGER, suspended INTEGER) STRICT, WITHOUT ROWID;
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
CREATE TABLE barred_devices (
  member TEXT NOT NULL REFERENCES members,
  device TEXT NOT NULL,
  key BLOB NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (member, device)
) STRICT, WITHOUT ROWID;
CREATE TABLE seen_devices (
  member TEXT NOT NULL REFERENCES members,
  device TEXT NOT NULL,
  day INTEGER NOT NULL,
  PRIMARY KEY (member, device)
) STRICT, WITHOUT ROWID;
CREATE TABLE held_names (hash BLOB PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE leaving (member TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE blocked_peers (server TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO journal (entry, receiver, raw) VALUES (1005, 'receiver 1', 'raw 1');
INSERT INTO journal (entry, receiver, raw) VALUES (2005, 'receiver 2', 'raw 2');
INSERT INTO inbox (seq, origin, id, type, recipient, sender, expires, encoded) VALUES (1003, 'origin 1', 'id 1', 'type 1', 'recipient 1', 'sender 1', 1007, 'encoded 1');
INSERT INTO inbox (seq, origin, id, type, recipient, sender, expires, encoded) VALUES (2003, 'origin 2', 'id 2', 'type 2', 'recipient 2', 'sender 2', 2007, 'encoded 2');
INSERT INTO inbox_seen (origin, id, forget_at) VALUES ('origin 1', 'id 1', 1009);
INSERT INTO inbox_seen (origin, id, forget_at) VALUES ('origin 2', 'id 2', 2009);
INSERT INTO inbox_counts (origin, waiting, seen) VALUES ('origin 1', 1007, 1004);
INSERT INTO inbox_counts (origin, waiting, seen) VALUES ('origin 2', 2007, 2004);
INSERT INTO outbox (seq, id, peer, type, sender, recipient, expires, encoded) VALUES (1003, 'id 1', 'peer 1', 'type 1', 'sender 1', 'recipient 1', 1007, 'encoded 1');
INSERT INTO outbox (seq, id, peer, type, sender, recipient, expires, encoded) VALUES (2003, 'id 2', 'peer 2', 'type 2', 'sender 2', 'recipient 2', 2007, 'encoded 2');
INSERT INTO outbox_acked (id, peer, type, sender, recipient, expires) VALUES ('id 1', 'peer 1', 'type 1', 'sender 1', 'recipient 1', 1007);
INSERT INTO outbox_acked (id, peer, type, sender, recipient, expires) VALUES ('id 2', 'peer 2', 'type 2', 'sender 2', 'recipient 2', 2007);
INSERT INTO outbox_counts (peer, waiting) VALUES ('peer 1', 1007);
INSERT INTO outbox_counts (peer, waiting) VALUES ('peer 2', 2007);
INSERT INTO peers (server, heard_at, skew) VALUES ('server 1', 1008, 1004);
INSERT INTO peers (server, heard_at, skew) VALUES ('server 2', 2008, 2004);
INSERT INTO quarantine (seq, at, source, code, content, size) VALUES (1003, 1002, 'source 1', 'code 1', 'content 1', 1004);
INSERT INTO quarantine (seq, at, source, code, content, size) VALUES (2003, 2002, 'source 2', 'code 2', 'content 2', 2004);
INSERT INTO members (member, kind, created, suspended) VALUES ('member 1', 'kind 1', 1007, 1009);
INSERT INTO members (member, kind, created, suspended) VALUES ('member 2', 'kind 2', 2007, 2009);
INSERT INTO lists (member, version, hash, bytes) VALUES ('member 1', 1007, x'686173682031', x'62797465732031');
INSERT INTO lists (member, version, hash, bytes) VALUES ('member 2', 2007, x'686173682032', x'62797465732032');
INSERT INTO devices (member, device, key) VALUES ('member 1', 'device 1', x'6b65792031');
INSERT INTO devices (member, device, key) VALUES ('member 2', 'device 2', x'6b65792032');
INSERT INTO bundles (member, device, bundle) VALUES ('member 1', 'device 1', x'62756e646c652031');
INSERT INTO bundles (member, device, bundle) VALUES ('member 2', 'device 2', x'62756e646c652032');
INSERT INTO invites (hash, member, expires) VALUES (x'686173682031', 'member 1', 1007);
INSERT INTO invites (hash, member, expires) VALUES (x'686173682032', 'member 2', 2007);
INSERT INTO tickets (seq, hash, device, state, expires) VALUES (1003, x'686173682031', 'device 1', x'73746174652031', 1007);
INSERT INTO tickets (seq, hash, device, state, expires) VALUES (2003, x'686173682032', 'device 2', x'73746174652032', 2007);
INSERT INTO facts (name, value) VALUES ('name 1', 'value 1');
INSERT INTO facts (name, value) VALUES ('name 2', 'value 2');
INSERT INTO barred_devices (member, device, key, at) VALUES ('member 1', 'device 1', x'6b65792031', 1002);
INSERT INTO barred_devices (member, device, key, at) VALUES ('member 2', 'device 2', x'6b65792032', 2002);
INSERT INTO seen_devices (member, device, day) VALUES ('member 1', 'device 1', 1003);
INSERT INTO seen_devices (member, device, day) VALUES ('member 2', 'device 2', 2003);
INSERT INTO held_names (hash, at) VALUES (x'686173682031', 1002);
INSERT INTO held_names (hash, at) VALUES (x'686173682032', 2002);
INSERT INTO leaving (member) VALUES ('member 1');
INSERT INTO leaving (member) VALUES ('member 2');
INSERT INTO blocked_peers (server, at) VALUES ('server 1', 1002);
INSERT INTO blocked_peers (server, at) VALUES ('server 2', 2002);
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
CREATE TRIGGER outbox_added AFTER INSERT ON outbox BEGIN
  INSERT INTO outbox_counts VALUES (new.peer, 1) ON CONFLICT DO UPDATE SET waiting = waiting + 1;
END;
CREATE TRIGGER outbox_removed AFTER DELETE ON outbox BEGIN
  UPDATE outbox_counts SET waiting = waiting - 1 WHERE peer = old.peer;
  DELETE FROM outbox_counts WHERE peer = old.peer AND waiting = 0;
END;
PRAGMA user_version = 2;
