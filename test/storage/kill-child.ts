/** Writes numbered entries until it is killed; prints a number, and the time, once everything of it has resolved. */
import { writeSync } from 'node:fs';
import { openSqlite } from '../../src/storage/sqlite/stores.ts';
import { outboxRow } from './rows.ts';

const say = (line: string): void => {
  try {
    writeSync(1, line);
  } catch {
    // Whoever reads is busy, and the pipe full: one promise less to be held to.
  }
};

const stores = openSqlite({ file: process.argv[2]! });
let n = (await stores.journal.pending('sync')).length;
const writer = async (): Promise<void> => {
  for (;;) {
    const mine = ++n;
    // Called in one go, so that the numbers stand in the journal in order whichever writer comes first.
    const entry = stores.journal.append('sync', String(mine));
    const put = stores.outbox.put(outboxRow(mine, { from: `m${mine % 97}`, encoded: String(mine) }));
    await Promise.all([entry, put]);
    say(`${mine} ${Date.now()}\n`);
  }
};
await Promise.all([writer(), writer(), writer()]);
