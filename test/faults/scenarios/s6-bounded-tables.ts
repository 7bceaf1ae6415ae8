/** S6: after many messages neither the homeserver's inbox table nor the bridge's journal has grown. */
import Database from 'better-sqlite3';
import { BRIDGE_DEVICE, bridgeUserOf, parseServerName } from '../../../src/ids.ts';
import { LIMITS } from '../../../src/limits.ts';
import type { Community } from '../../support/community.ts';
import type { Bound } from '../rows.ts';
import type { Scenario } from '../scenario.ts';

const MESSAGES = 20_000;
const SHORT_MESSAGES = 4_000;
const INBOX_ROWS = 100;
const PATIENCE_MS = 600_000;

export const scenario: Scenario = {
  id: 'S6',
  title: 'tables after many messages',
  async run(scene, { form, progress }) {
    const wanted = form === 'short' ? SHORT_MESSAGES : MESSAGES;
    await scene.load({ everyMs: 100, setupsPerSecond: 0.5 });
    const enough = await scene.watch.until((lines) => lines.length > wanted && taken(lines) >= wanted, PATIENCE_MS);
    await scene.stopLoad();
    await scene.watch.settled(60_000);
    progress(`${taken(await scene.watch.lines())} messages`);
    const sizes = scene.communities.map(sizesOf);
    return {
      bounds: sizes.flatMap((size) => size.bounds),
      notes: [
        ...(form === 'short' ? [`${wanted} messages here, ${MESSAGES} in the long form`] : []),
        ...sizes.map((size) => size.note),
      ],
      wrong: enough ? [] : [`broke: fewer than ${wanted} messages in ${PATIENCE_MS / 60_000} minutes`],
    };
  },
};

const taken = (lines: readonly { readonly k: string }[]): number =>
  lines.reduce((sum, { k }) => sum + (k === 'taken' ? 1 : 0), 0);

function sizesOf({ name, serverName, synapse, databasePath }: Community): { readonly bounds: Bound[]; readonly note: string } {
  const user = bridgeUserOf(parseServerName(serverName));
  const inbox = count(synapse.databasePath, `device_inbox WHERE user_id = '${user}' AND device_id = '${BRIDGE_DEVICE}'`);
  const journal = count(databasePath, 'journal');
  const [waiting, seen, outbox, acked] = ['inbox', 'inbox_seen', 'outbox', 'outbox_acked'].map((table) =>
    count(databasePath, table),
  );
  return {
    bounds: [
      { what: `inbox rows at homeserver ${name}`, value: inbox, atMost: INBOX_ROWS, unit: 'rows' },
      { what: `journal of bridge ${name}`, value: journal, atMost: LIMITS.journalRows, unit: 'rows' },
    ],
    // An id is remembered 60 s past its envelope's end, the address of what was acknowledged as long.
    note: `bridge ${name} keeps ${waiting} for apps, ${seen} ids, ${outbox} for the other side, ${acked} addresses`,
  };
}

function count(file: string, rows: string): number {
  const db = new Database(file, { readonly: true });
  try {
    return (db.prepare(`SELECT count(*) AS rows FROM ${rows}`).get() as { rows: number }).rows;
  } finally {
    db.close();
  }
}
