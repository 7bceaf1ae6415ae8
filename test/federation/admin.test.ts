/** What an operator types beside a running bridge, and what it does to members and communities. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { parse } from 'yaml';
import { loadConfig } from '../../src/config/load.ts';
import type { ErrorCode } from '../../src/errors.ts';
import { askBridge } from '../../src/ops/admin/client.ts';
import { pathParams } from '../../src/ops/admin/operation.ts';
import { OPERATIONS } from '../../src/ops/admin/operations.ts';
import type { Community } from '../support/community.ts';
import { MatrixClient } from '../support/homeserver/client.ts';
import { enrol, type Person, secondDevice, startAgain, within } from '../support/people.ts';
import { callWithChannel, converse, rings } from './conversation.ts';
import { freshId, Operator } from './operator.ts';
import { anyFailed, type Pair, startPair, until } from './pair.ts';

/** For `assert.rejects`, which then shows the code that came instead. */
const coded = (code: ErrorCode) => ({ name: 'VollyError', code });
/** The same of a command: its one line. */
const says = (code: ErrorCode) => ({ stderr: new RegExp(`^error ${code}: `) });

describe('An operator, beside a running bridge,', () => {
  let pair: Pair;
  let alice: Person;
  let bob: Person;
  const others: Person[] = [];
  before(async () => {
    pair = await startPair({ tapped: false });
    [alice, bob] = await Promise.all([enrol(pair.orchid, 'alice'), enrol(pair.maple, 'bob')]);
  });
  after(function () {
    return pair?.close([alice, bob, ...others], anyFailed(this));
  });

  /** As the command line asks, without a process for each. */
  // biome-ignore lint/suspicious/noExplicitAny: looked at field by field
  const ask = async ({ configPath }: Community, name: string, ...args: readonly unknown[]): Promise<any> => {
    const operation = OPERATIONS.find((one) => one.name === name)!;
    const params = Object.fromEntries(pathParams(operation.path).map((param, i) => [param, args[i]]));
    return askBridge(loadConfig(configPath).admin, operation, params);
  };
  const closedWith = async ({ client }: Person, code: ErrorCode): Promise<void> => {
    await until(`${client.address} is shown out`, () => client.connection.kind === 'closed');
    assert.equal(client.connection.kind === 'closed' && client.connection.cause?.code, code);
  };
  const call = async (from: Person, to: string) => (await callWithChannel(from, to)).call;
  /** A call that rings and is given up: signalling both ways, and no media. */
  const reaches = async (from: Person, to: Person): Promise<void> => {
    const ringing = rings(to);
    const calling = await call(from, to.client.member);
    await ringing;
    await calling.hangUp();
  };

  it('sees members, devices, invites and peers, as tables and as JSON', async () => {
    await reaches(alice, bob);
    const { orchid, maple } = pair;
    assert.match(await orchid.command('member', 'list'), /^MEMBER {2}KIND {6}SINCE {7}SUSPENDED\nalice {3}enhanced {2}20/);
    const { devices } = await ask(orchid, 'member show', alice.client.member);
    assert.deepEqual(
      devices.map(({ device, online, published }: Record<string, unknown>) => [device, online, published]),
      [['PHONE', true, true]],
    );
    const { peers } = await ask(orchid, 'peer list');
    assert.deepEqual([peers[0].server, peers[0].allowed, peers[0].waiting], [maple.serverName, true, 0]);
    assert.equal((await ask(orchid, 'peer wake', maple.serverName)).answered, true);
    await assert.rejects(orchid.command('member', 'show', 'nobody'), says('unknown_member'));
  });

  it('revokes an invite', async () => {
    const { link } = await ask(pair.orchid, 'member invite', 'carol');
    const { invites } = await ask(pair.orchid, 'member invites');
    assert.deepEqual(
      invites.map(({ member }: { member: string }) => member),
      ['carol'],
    );
    await ask(pair.orchid, 'member revoke', invites[0].id);
    const connecting = enrol({ invite: async () => link } as unknown as Community, 'carol');
    await assert.rejects(connecting, coded('bad_invite'));
  });

  it('suspends a member in a call: shown out at once, the call ends, nobody reaches it, and it does not come back until it may', async () => {
    const conversation = await converse(bob, alice);
    assert.equal(await conversation.echo('hello'), 'hello');
    assert.deepEqual(await ask(pair.orchid, 'member suspend', 'alice'), { changed: true });
    await closedWith(alice, 'suspended');
    await within('her app ends the call', conversation.taken.whenEnded());
    await until('with its media', () => conversation.pcs[1].connectionState === 'closed');
    await assert.rejects(call(bob, alice.client.member), coded('unknown_member'));
    await assert.rejects(startAgain(alice), coded('suspended'));
    await conversation.calling.hangUp();

    await ask(pair.orchid, 'member resume', 'alice');
    alice = await startAgain(alice);
    await reaches(bob, alice);
  });

  it('keeps a lost device out, and the other one goes on', async () => {
    const tablet = await secondDevice(alice, 'TABLET');
    others.push(tablet);
    await ask(pair.orchid, 'device remove', 'alice', 'TABLET');
    await closedWith(tablet, 'not_enrolled');
    await assert.rejects(startAgain(tablet), coded('not_enrolled'));
    assert.equal(alice.client.connection.kind, 'online');
    const calling = await callWithChannel(bob, alice.client.member);
    assert.equal((await ask(pair.orchid, 'device list', 'alice')).devices[1].published, false);
    await calling.call.hangUp();
    await ask(pair.orchid, 'device allow', 'alice', 'TABLET');
    others.push(await startAgain(tablet));
  });

  it('blocks a community while the bridge runs, over a restart, and allows it again', async () => {
    const { orchid, maple } = pair;
    await ask(orchid, 'peer block', maple.serverName);
    await assert.rejects(call(alice, bob.client.member), coded('denied_by_policy'));
    await orchid.stopBridge();
    await orchid.startBridge();
    await until('she is back', () => alice.client.connection.kind === 'online');
    await assert.rejects(call(alice, bob.client.member), coded('denied_by_policy'));
    assert.deepEqual(await ask(orchid, 'peer allow', maple.serverName), { changed: true, allowed: true });
    await reaches(alice, bob);
  });

  it('sees what another bridge sent and this one refused, from outside, and drops or releases it', async () => {
    const { orchid, maple } = pair;
    const mallory = await Operator.of(maple);
    const sealed = 'dGhpcyBpcyBzZWFsZWQ';
    await mallory.send(orchid, 'app.volly.future', { envelopes: [{ id: freshId(), sealed }] });
    const listed = async () => (await ask(orchid, 'quarantine list')).items;
    const deadline = performance.now() + 15_000;
    while ((await listed()).length === 0) assert.ok(performance.now() < deadline, 'it is in quarantine');
    const [{ item, from, code, type }] = await listed();
    assert.deepEqual([from, code, type], [maple.serverName, 'wrong_type', 'app.volly.future']);
    assert.ok(!(await orchid.command('quarantine', 'show', String(item))).includes(sealed));
    await assert.rejects(ask(orchid, 'quarantine release', item), coded('wrong_type'));
    await ask(orchid, 'quarantine drop', item);
    assert.deepEqual(await listed(), []);

    // As a bug of ours would leave it: whole, and fit for today's program.
    const refused = {
      ...{ id: freshId(), type: 'app.volly.call.hangup', from: bob.client.address, to: alice.client.address },
      ...{ expires: Date.now() + 25_000, header: 'AAAA', sealed },
    };
    const database = new Database(orchid.databasePath);
    const insert = database.prepare('INSERT INTO quarantine (at, source, code, content, size) VALUES (?, ?, ?, ?, 1)');
    const { lastInsertRowid } = insert.run(Date.now(), maple.serverName, 'bad_encoding', JSON.stringify(refused));
    database.close();
    const heard = within('her app gets it', alice.client.once('refused'));
    assert.deepEqual(await ask(orchid, 'quarantine release', String(lastInsertRowid)), { envelopes: 1 });
    await heard;
    assert.deepEqual(await listed(), []);
  });

  it('removes a member: keys, ghost and data go, calls find nobody, and nobody inherits the name', async () => {
    const { orchid, maple } = pair;
    const rowena = await enrol(maple, 'rowena');
    others.push(rowena);
    await reaches(alice, rowena);
    await reaches(rowena, bob);
    const ghost = `@_volly_rowena:${maple.serverName}`;
    const { as_token } = parse(await readFile(maple.registrationPath, 'utf8'));
    const service = new MatrixClient(maple.synapse.clientUrl, as_token);
    const profile = () => service.request('GET', `/_matrix/client/v3/profile/${encodeURIComponent(ghost)}`);
    // A start makes ghosts at once; else she has to be looked at, each 30 s.
    await maple.stopBridge();
    await maple.startBridge();
    const deadline = performance.now() + 45_000;
    while (!(await profile().catch(() => undefined))) {
      assert.ok(performance.now() < deadline, 'she has a ghost');
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    assert.ok(mentions(maple, 'rowena') > 0);

    await assert.rejects(maple.command('member', 'remove', 'rowena'), says('not_confirmed'));
    // A homeserver on a busy machine may take longer than the answer waits for.
    assert.match((await ask(maple, 'member remove', 'rowena')).ghost, /^(gone|waiting)$/);
    await closedWith(rowena, 'not_enrolled');
    await assert.rejects(startAgain(rowena), { name: 'VollyError' });
    await until('nothing of her is left', () => mentions(maple, 'rowena') === 0, 90_000);
    await assert.rejects(profile());
    assert.deepEqual(synapseUser(maple, ghost), { deactivated: 1 }, 'deactivated, and not merely without a name');
    await assert.rejects(call(alice, rowena.client.member), coded('unknown_member'));
    await assert.rejects(ask(maple, 'member invite', 'rowena'), coded('name_held'));
    assert.match(await readFile(maple.logPath, 'utf8'), /"operation":"member remove","by":"http","result":"ok"/);
    assert.doesNotMatch(await readFile(maple.logPath, 'utf8'), /rowena/);
    assert.ok((await ask(orchid, 'status')).uptimeMs > 0);
  });

  it('is told where no bridge runs; an invite can be made all the same', async () => {
    const { maple } = pair;
    await maple.stopBridge();
    await assert.rejects(maple.command('member', 'list'), says('not_running'));
    await assert.rejects(maple.command('member', 'invite', 'rowena'), says('name_held'));
    const link = maple.invite('dora');
    await link;
    await maple.startBridge();
    others.push(await enrol({ invite: () => link } as unknown as Community, 'dora'));
  });
});

/** Rows of all tables that have the word in any of their columns. */
function mentions(community: Community, word: string): number {
  const database = new Database(community.databasePath, { readonly: true });
  try {
    const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").pluck().all() as string[];
    const rows = tables.flatMap((table) => database.prepare(`SELECT * FROM ${table}`).all() as Record<string, unknown>[]);
    const has = (value: unknown) => Buffer.from(value instanceof Uint8Array ? value : String(value)).includes(word);
    return rows.filter((row) => Object.values(row).some(has)).length;
  } finally {
    database.close();
  }
}

function synapseUser({ synapse }: Community, user: string): unknown {
  const database = new Database(join(synapse.dir, 'homeserver.db'), { readonly: true });
  try {
    return database.prepare('SELECT deactivated FROM users WHERE name = ?').get(user);
  } finally {
    database.close();
  }
}
