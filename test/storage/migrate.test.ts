import assert from 'node:assert/strict';
import Database from 'better-sqlite3';
import { migrate } from '../../src/storage/sqlite/migrate.ts';

const version = (db: Database.Database) => db.pragma('user_version', { simple: true });

describe('migrations', () => {
  it('bring an older database up step by step, and keep its rows', () => {
    const db = new Database(':memory:');
    const first = 'CREATE TABLE fruit (name TEXT)';
    migrate(db, [first]);
    db.exec("INSERT INTO fruit VALUES ('quince')");
    migrate(db, [first, 'ALTER TABLE fruit ADD COLUMN colour TEXT', "UPDATE fruit SET colour = 'yellow'"]);
    assert.equal(version(db), 3);
    assert.deepEqual(db.prepare('SELECT * FROM fruit').all(), [{ name: 'quince', colour: 'yellow' }]);
  });

  it('leave a whole schema where one fails, and go on from there', () => {
    const db = new Database(':memory:');
    const good = 'CREATE TABLE fruit (name TEXT)';
    assert.throws(() => migrate(db, [good, 'CREATE TABLE leaf (name TEXT); CREATE TABLE fruit (name TEXT)']));
    assert.equal(version(db), 1);
    assert.equal(db.prepare("SELECT count(*) FROM sqlite_master WHERE name = 'leaf'").pluck().get(), 0);
    migrate(db, [good, 'CREATE TABLE leaf (name TEXT)']);
    assert.equal(version(db), 2);
  });

  it('do nothing to a database that is up to date', () => {
    const db = new Database(':memory:');
    migrate(db);
    const before = db.prepare('SELECT sql FROM sqlite_master ORDER BY name').all();
    migrate(db);
    assert.deepEqual(db.prepare('SELECT sql FROM sqlite_master ORDER BY name').all(), before);
  });
});
