/** The thread of checkpoints.ts: copies the log for every message. PASSIVE waits for nobody and makes nobody wait. */
import { parentPort, workerData } from 'node:worker_threads';
import Database from 'better-sqlite3';
import { moveLog } from './move-log.ts';

const db = new Database(workerData as string, { fileMustExist: true });
db.pragma('wal_autocheckpoint = 0');
parentPort?.on('message', () => {
  moveLog(db);
  parentPort?.postMessage('done');
});
