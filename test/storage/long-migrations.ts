/** Migrations that take long enough to be killed in: each makes a table and touches every row of the first. */
export const ROWS = 20_000;

const FILL = `WITH RECURSIVE s(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM s WHERE n < ${ROWS})
  INSERT INTO t01 SELECT n, 1, hex(randomblob(20)) FROM s;`;

export const MIGRATIONS: readonly string[] = Array.from({ length: 40 }, (_, i) => {
  const table = `t${String(i + 1).padStart(2, '0')}`;
  return `CREATE TABLE ${table} (n INTEGER PRIMARY KEY, touched INTEGER, text TEXT);
    ${i === 0 ? FILL : `UPDATE t01 SET touched = ${i + 1};`}`;
});
