/** Run as a process of its own: holds the write lock of the database given for so many ms. */
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';

const [, , file = '', ms = '0'] = process.argv;
const db = new Database(file, { timeout: 20_000 });
db.exec('BEGIN IMMEDIATE');
process.stdout.write('held\n');
await sleep(Number(ms));
db.exec('ROLLBACK');
db.close();
