/** A database of an earlier schema as SQL text: the schema, two rows in each table, and which migration it ended with. */
import { createHash } from 'node:crypto';
import Database from 'better-sqlite3';
import { migrate } from '../../../src/storage/sqlite/migrate.ts';

export const hashOf = (migration: string): string => createHash('sha256').update(migration).digest('hex');

interface Column {
  readonly name: string;
  readonly type: string;
}

/** In the order in which they were made: what others refer to comes first. */
export const tablesOf = (db: Database.Database): readonly string[] =>
  db
    .prepare<[], string>("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY rowid")
    .pluck()
    .all();

export const columnsOf = (db: Database.Database, table: string): readonly Column[] =>
  db.prepare<[string], Column>('SELECT name, type FROM pragma_table_info(?)').all(table);

/** Every object of the schema as SQLite keeps it. */
export const schemaOf = (db: Database.Database): readonly unknown[] =>
  db.prepare('SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name').all();

/** Tells row and column apart; the same in every table, so that references hold. */
function sample({ name, type }: Column, row: number): string {
  if (type === 'INTEGER') return String(row * 1_000 + name.length);
  const text = `${name} ${row}`;
  return type === 'BLOB' ? `x'${Buffer.from(text).toString('hex')}'` : `'${text}'`;
}

/** The text of the fixture for the schema that these migrations make. */
export function dump(migrations: readonly string[]): string {
  const db = new Database(':memory:');
  migrate(db, [...migrations]);
  const objects = db
    .prepare<[], { type: string; sql: string }>(
      "SELECT type, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY rowid",
    )
    .all();
  const rows = tablesOf(db).flatMap((table) => {
    const columns = columnsOf(db, table);
    const names = columns.map(({ name }) => name).join(', ');
    return [1, 2].map((row) => {
      const values = columns.map((column) => sample(column, row)).join(', ');
      return `INSERT INTO ${table} (${names}) VALUES (${values});`;
    });
  });
  db.close();
  const sqlOf = (trigger: boolean) => objects.filter(({ type }) => (type === 'trigger') === trigger).map(({ sql }) => `${sql};`);
  return [
    `-- Schema ${migrations.length}, by node test/storage/schemas/generate.ts. Released: never changed.`,
    `-- migration ${hashOf(migrations.at(-1)!)}`,
    ...sqlOf(false),
    ...rows,
    // Behind the rows, which they would count a second time.
    ...sqlOf(true),
    `PRAGMA user_version = ${migrations.length};`,
    '',
  ].join('\n');
}
