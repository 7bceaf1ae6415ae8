/** From every schema that was released to the newest, rows and all. A released migration is never changed: databases exist that it made. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import Database from 'better-sqlite3';
import { MIGRATIONS, migrate } from '../../src/storage/sqlite/migrate.ts';
import { columnsOf, hashOf, schemaOf, tablesOf } from './schemas/dump.ts';

const folder = new URL('schemas/', import.meta.url);
const fixtures = readdirSync(folder)
  .filter((name) => name.endsWith('.sql'))
  .sort();

function open(fixture: string): Database.Database {
  const db = new Database(':memory:');
  db.exec(readFileSync(new URL(fixture, folder), 'utf8'));
  db.pragma('foreign_keys = ON');
  return db;
}

function rowsOf(db: Database.Database, table: string, columns: readonly string[]): readonly unknown[] {
  return db.prepare(`SELECT ${columns.join(', ')} FROM ${table} ORDER BY 1`).all();
}

describe('released schemas', () => {
  it('each have a fixture (node test/storage/schemas/generate.ts)', () => {
    assert.deepEqual(
      fixtures,
      MIGRATIONS.map((_, i) => `${String(i + 1).padStart(4, '0')}.sql`),
    );
  });

  it('were made by migrations that nobody has changed since', () => {
    for (const [i, fixture] of fixtures.entries()) {
      const [, released] = /^-- migration (\S+)$/m.exec(readFileSync(new URL(fixture, folder), 'utf8')) ?? [];
      assert.equal(hashOf(MIGRATIONS[i] ?? ''), released, `migration ${i + 1} is not the one that was released: write another`);
    }
  });

  for (const fixture of fixtures) {
    it(`${fixture} becomes what a new database is, and keeps its rows`, () => {
      const fresh = new Database(':memory:');
      migrate(fresh);
      const db = open(fixture);
      const before = tablesOf(db).map((table) => {
        const columns = columnsOf(db, table).map(({ name }) => name);
        return { table, columns, rows: rowsOf(db, table, columns) };
      });
      migrate(db);
      assert.equal(db.pragma('user_version', { simple: true }), MIGRATIONS.length);
      assert.deepEqual(schemaOf(db), schemaOf(fresh));
      for (const { table, columns, rows } of before) {
        assert.equal(rows.length, 2, table);
        assert.deepEqual(rowsOf(db, table, columns), rows, table);
      }
      assert.deepEqual(db.pragma('foreign_key_check'), []);
      assert.equal(db.pragma('integrity_check', { simple: true }), 'ok');
      db.close();
      fresh.close();
    });
  }

  it('that are newer than this program are refused, and stay as they are', () => {
    const db = open(fixtures.at(-1)!);
    const ahead = MIGRATIONS.length + 1;
    db.exec('CREATE TABLE later (n INTEGER) STRICT');
    db.pragma(`user_version = ${ahead}`);
    const before = schemaOf(db);
    assert.throws(() => migrate(db), { code: 'newer_schema' });
    assert.deepEqual(schemaOf(db), before);
    assert.equal(db.pragma('user_version', { simple: true }), ahead);
    db.close();
  });
});
