/** What the operator says of members, devices and peers while the bridge runs. */
export const administration = `
-- Unix ms. NULL: came before this was kept; is not suspended.
ALTER TABLE members ADD COLUMN created INTEGER;
ALTER TABLE members ADD COLUMN suspended INTEGER;

CREATE TABLE barred_devices (
  member TEXT NOT NULL REFERENCES members,
  device TEXT NOT NULL,
  key BLOB NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (member, device)
) STRICT, WITHOUT ROWID;

-- The day, as the Unix ms of its beginning: nobody needs the hour.
CREATE TABLE seen_devices (
  member TEXT NOT NULL REFERENCES members,
  device TEXT NOT NULL,
  day INTEGER NOT NULL,
  PRIMARY KEY (member, device)
) STRICT, WITHOUT ROWID;

-- Of removed members a hash of the name: nobody shall inherit it.
CREATE TABLE held_names (hash BLOB PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;

-- Removed here, and not yet on the homeserver.
CREATE TABLE leaving (member TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;

CREATE TABLE blocked_peers (server TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
`;
