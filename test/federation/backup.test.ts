/**
 * A backup under load, and everything thrown away after it. The apps are those of the fault tests: the real SDK, with a log of what was
 * accepted, handed over and heard.
 */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { Call } from '../../src/client/call.ts';
import { check } from '../faults/checker.ts';
import { type Line, now } from '../faults/log.ts';
import { Scene } from '../faults/scene.ts';
import { World } from '../faults/world.ts';
import { enrol, type Person, startAgain, within } from '../support/people.ts';
import { waitingFor } from './bridge-rows.ts';
import { callWithChannel, rings } from './conversation.ts';
import { anyFailed, until } from './pair.ts';

const FLOWING_MS = 30_000;
/** The longest that what was accepted may take to come to an end: an offer's minute, and the word of its end. */
const ENDS_MS = 75_000;

/** Accepted for a device by the end of the backup, and neither settled there nor told of. */
function openAt(lines: readonly Line[], end: number): readonly string[] {
  const ended = new Set(lines.flatMap((line) => (line.k === 'settled' || line.k === 'told' ? [line.id] : [])));
  const sent = new Map(lines.flatMap((line) => (line.k === 'send' && line.to.includes('/') ? [[line.id, line] as const] : [])));
  return lines.flatMap((line) => {
    const send = line.k === 'taken' && line.t <= end ? sent.get(line.id) : undefined;
    return send && !ended.has(send.id) ? [`${send.type} ${send.id} from ${send.app} to ${send.to}`] : [];
  });
}

function rowsIn(file: string, table: 'inbox' | 'outbox'): number {
  const db = new Database(file, { readonly: true });
  const rows = db.prepare<[], number>(`SELECT count(*) FROM ${table}`).pluck().get() ?? 0;
  db.close();
  return rows;
}

describe('A backup of a running bridge', function () {
  this.timeout(180_000);
  let folder: string;
  let world: World;
  let scene: Scene;
  let alice: Person;
  let bob: Person;
  let call: Call;
  let backup: string;
  /** Unix ms: the moment that the backup names. */
  let takenAt: number;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'volly-backup-'));
    world = await World.start(folder, { talkers: 4, callers: 2, callees: 2 });
    scene = await Scene.open(world, { folder: join(folder, 'scene'), seed: 7 });
    [alice, bob] = await Promise.all([enrol(world.a, 'alice'), enrol(world.b, 'bob')]);
  });
  after(async function () {
    await scene?.end();
    for (const person of [alice, bob]) if (person?.client.connection.kind !== 'closed') await person?.client.close();
    await world?.stop();
    if (anyFailed(this)) console.error(`logs and databases are in ${folder}`);
    else await rm(folder, { recursive: true, force: true });
  });

  it('is made under load, with messages that wait on both sides of it', async () => {
    await scene.load({ everyMs: 200, setupsPerSecond: 2 });
    // One offer waits in the inbox of b, whose device is away.
    await bob.client.close();
    ({ call } = await callWithChannel(alice, bob.client.member));
    await until('the offer waits', () => waitingFor(world.b, bob) > 0);
    // And what is for a waits in its outbox.
    await world.a.stopBridge('SIGKILL');
    await until('messages wait', () => rowsIn(world.b.databasePath, 'outbox') > 20);
    const began = now();
    const printed = await world.b.command('backup', join(folder, 'backups'));
    const [, where, time] = /^(.*): all that was accepted by (\S+)$/m.exec(printed) ?? [];
    backup = where!;
    takenAt = Date.parse(time!);
    for (const table of ['inbox', 'outbox'] as const) assert.ok(rowsIn(join(backup, 'volly.db'), table) > 0, table);
    const during = ({ k, t, app }: Line) => k === 'taken' && app?.startsWith('b') === true && t > began && t < takenAt;
    assert.ok(await scene.watch.until((lines) => lines.some(during), 5_000), 'there was load until it was made');
  });

  it('does not come back while the bridge runs', async () => {
    await assert.rejects(world.b.command('restore', backup, '--force'), /error database: .*in use by another running bridge/);
  });

  it('comes back where everything was thrown away, and rings for the offer that waited in it, once', async () => {
    await world.b.stopBridge('SIGKILL');
    await rm(join(world.b.dir, 'data'), { recursive: true });
    await world.b.command('restore', backup);
    await Promise.all([world.a.startBridge(), world.b.startBridge()]);
    let rung = 0;
    bob = await startAgain(bob);
    bob.client.on('incoming', () => rung++);
    const incoming = await rings(bob);
    assert.equal(incoming.from, alice.client.member);
    await within('the offer is declined', incoming.reject());
    await within('and alice hears it', call.whenEnded());
    assert.equal(rung, 1);
  });

  it('brings back every message that was accepted before it ended, each once', async () => {
    assert.ok((await scene.untilFlowing(FLOWING_MS)) < FLOWING_MS, 'messages flow again');
    await scene.stopLoad();
    assert.ok(
      await scene.watch.until((lines) => openAt(lines, takenAt).length === 0, ENDS_MS),
      openAt(await scene.watch.lines(), takenAt).join('\n'),
    );
    const { doubled, outOfOrder, ghostRings, wrong } = check(await scene.watch.lines());
    assert.deepEqual({ doubled, outOfOrder, ghostRings }, { doubled: 0, outOfOrder: 0, ghostRings: 0 }, wrong.join('\n'));
    assert.deepEqual([scene.apps.a.crashes, scene.apps.b.crashes, await world.bugs()], [[], [], []]);
  });

  it('holds no resumption ticket: every app came back by a full handshake', async () => {
    assert.ok((await scene.untilConnected('b', FLOWING_MS)) < FLOWING_MS);
    const counts = await world.b.counts();
    const apps = Object.keys(await world.members('b')).length;
    assert.equal(counts.get('gateway_handshakes_total{result="resumed"}') ?? 0, 0);
    assert.ok((counts.get('gateway_handshakes_total{result="full"}') ?? 0) > apps, String([...counts.keys()]));
    // On the other side, where the bridge was killed too, tickets served.
    assert.ok(((await world.a.counts()).get('gateway_handshakes_total{result="resumed"}') ?? 0) > 0);
    assert.doesNotMatch(await readFile(world.b.logPath, 'utf8'), /handshake_failed/);
  });
});
