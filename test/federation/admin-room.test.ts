/** An operator who commands the bridge in a Matrix room, on a real Synapse, from this community and from another one. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse, stringify } from 'yaml';
import { VollyClient } from '../../src/client/client.ts';
import { nodeSocket } from '../../src/client/node.ts';
import { MemoryStore } from '../../src/client/store.ts';
import { type Community, startCommunity } from '../support/community.ts';
import { createAuthority } from '../support/homeserver/certificates.ts';
import { type PlainUser, registerUser } from '../support/homeserver/client.ts';
import { prepareSynapse, type Synapse } from '../support/homeserver/synapse.ts';
import { within } from '../support/people.ts';
import { Chat, poll } from './chat.ts';
import { bridgeUserOfCommunity } from './operator.ts';
import { anyFailed } from './pair.ts';

const LINK = /volly\+\S+/;

describe('The admin room', () => {
  let folder: string;
  let orchid: Community;
  let elsewhere: Synapse;
  let operator: PlainUser;
  let guest: PlainUser;
  let stranger: PlainUser;
  let chat: Chat;
  let bot: string;

  /** As an operator does: the configuration, then SIGHUP. */
  const nameAdmins = async (users: readonly PlainUser[]): Promise<void> => {
    const config = parse(await readFile(orchid.configPath, 'utf8'));
    const admin = { ...config.admin, users: users.map(({ userId }) => userId) };
    await writeFile(orchid.configPath, stringify({ ...config, admin }));
    const reloads = async (): Promise<number> => (await readFile(orchid.logPath, 'utf8')).split('configuration reloaded').length;
    const before = await reloads();
    process.kill(orchid.bridgePid as number, 'SIGHUP');
    await poll('reloaded', async () => (await reloads()) > before || undefined);
  };

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'volly-admin-room-'));
    const authority = createAuthority();
    // People who write as fast as a test.
    const synapse = { rc_message: { per_second: 1_000, burst_count: 1_000 } };
    [orchid, elsewhere] = await Promise.all([
      startCommunity({ name: 'Orchid', dir: join(folder, 'orchid'), authority, synapse }),
      prepareSynapse({ name: 'Maple', dir: join(folder, 'maple'), authority }).then((synapse) => synapse.start()),
    ]);
    bot = bridgeUserOfCommunity(orchid);
    operator = await registerUser(orchid.homeserver, 'operator');
    stranger = await registerUser(orchid.homeserver, 'stranger');
    guest = await registerUser(elsewhere, 'guest');
    await nameAdmins([operator, guest]);
  });
  after(async function () {
    await Promise.all([orchid?.stop(), elsewhere?.stop()]);
    if (anyFailed(this)) console.error(`logs and databases are in ${folder}`);
    else await rm(folder, { recursive: true, force: true });
  });

  it('opens where an admin invites the bridge user, and shows the bridge’s status', async () => {
    chat = await Chat.with(bot, operator);
    assert.match(await chat.answer(1), /Write help/);
    await chat.say('status');
    assert.match(await chat.answer(2), /Volly bridge/);
  });

  it('gives an invite, whose link enrols an app', async () => {
    await chat.say('member invite alice');
    const invite = LINK.exec(await chat.answer(3))?.[0];
    assert.ok(invite);
    const client = await within(
      'alice enrols',
      VollyClient.connect({ store: new MemoryStore(), invite, device: 'PHONE', socket: nodeSocket() }),
    );
    assert.equal(client.member, `alice@${orchid.serverName}`);
    await client.close();
  });

  it('turns down who is not listed, without a word', async () => {
    const theirs = await Chat.with(bot, stranger);
    await theirs.membershipOfBot('leave');
    assert.deepEqual(await theirs.answers(), []);
  });

  it('does not hear a stranger in the room, and does nothing while one is there', async () => {
    const theirs = await chat.join(stranger);
    await theirs.say('status');
    await theirs.say('member invite mallory');
    await chat.say('member invite bob');
    assert.match(await chat.answer(4), /Not only admins can read/);
    await theirs.leave();
    await chat.say('member invite bob');
    assert.match(await chat.answer(5), LINK);
  });

  it('answers what was written while the bridge was away, once', async () => {
    await orchid.stopBridge();
    await chat.say('status');
    await orchid.startBridge();
    await chat.answer(6);
    await orchid.stopBridge('SIGKILL');
    await orchid.startBridge();
    assert.equal((await chat.answers()).length, 6);
  });

  it('answers each command once, wherever in it the bridge is killed', async () => {
    const before = (await chat.answers()).length;
    const rounds = 3;
    for (let round = 0; round < rounds; round++) {
      await chat.say(`member invite carol${round}`);
      await sleep(round * 8);
      await orchid.stopBridge('SIGKILL');
      await orchid.startBridge();
      await chat.answer(before + round + 1);
    }
    await chat.say('status');
    await chat.answer(before + rounds + 1);
    const answers = (await chat.answers()).slice(before);
    assert.equal(answers.length, rounds + 1);
    for (const answer of answers.slice(0, rounds)) assert.match(answer, /volly\+|do not know whether it was done/);
  });

  it('says that it cannot read in an encrypted room, and nothing else', async () => {
    const encryption = { type: 'm.room.encryption', state_key: '', content: { algorithm: 'm.megolm.v1.aes-sha2' } };
    const secret = await Chat.with(bot, operator, [encryption]);
    assert.match(await secret.answer(1), /cannot read here/);
    await secret.say('status');
    await chat.say('status');
    await chat.answer((await chat.answers()).length + 1);
    assert.equal((await secret.answers()).length, 1);
  });

  it('hears an admin whose account is on another homeserver', async () => {
    const far = await Chat.with(bot, guest);
    assert.match(await far.answer(1), /Write help/);
    await far.say('member invite dave');
    assert.match(await far.answer(2), LINK);
    await far.leave();
  });

  it('hears from the next reload on whom the configuration names then', async () => {
    const before = (await chat.answers()).length;
    await nameAdmins([stranger]);
    const theirs = await Chat.with(bot, stranger);
    assert.match(await theirs.answer(1), /Write help/);
    await chat.say('status');
    await theirs.say('status');
    await theirs.answer(2);
    assert.equal((await chat.answers()).length, before);
  });
});
