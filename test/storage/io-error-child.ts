/** Writes to a database while the system refuses its files to grow (RLIMIT_FSIZE: an I/O error to SQLite, not a full disk), and afterwards. */
import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { openSqlite } from '../../src/storage/sqlite/stores.ts';
import { outboxRow } from './rows.ts';

const file = process.argv[2]!;
const limit = (bytes: number | 'unlimited') => execFileSync('prlimit', [`--pid=${process.pid}`, `--fsize=${bytes}:unlimited`]);
const stores = openSqlite({ file });
const put = (n: number): Promise<string> =>
  stores.outbox.put(outboxRow(n, { encoded: 'x'.repeat(20_000) })).catch((error: Error) => error.message);

const outcomes = [await put(1)];
limit(statSync(`${file}-wal`).size);
outcomes.push(...(await Promise.all([put(2), put(3)])), await put(2));
const readable = (await stores.outbox.all()).length;
limit('unlimited');
outcomes.push(await put(2));
await stores.close();
console.log(JSON.stringify({ outcomes, readable }));
