import assert from 'node:assert/strict';
import { roomCommands } from '../../src/compose/admin-room.ts';
import { parseServerName, type ServerName } from '../../src/ids.ts';
import { OPERATIONS } from '../../src/ops/admin/operations.ts';
import type { AdminPorts } from '../../src/ops/admin/ports.ts';
import { memoryStores } from '../../src/storage/memory/stores.ts';
import type { Stores } from '../../src/storage/types.ts';
import { ManualClock } from '../support/clock.ts';
import { ORCHID } from './fake-world.ts';
import { Lines } from './receiver-contract.ts';

const IRIS = 'iris.example';

describe('commands of the admin room', () => {
  let stores: Stores;
  let report: Lines;
  let blocked: Set<ServerName>;
  let ended: string[];
  let write: (line: string) => Promise<string>;
  let knows: (line: string) => boolean;

  beforeEach(async () => {
    stores = memoryStores();
    report = new Lines();
    blocked = new Set();
    ended = [];
    const notHere = async (): Promise<never> => assert.fail('not in a room');
    const ports: AdminPorts = {
      server: ORCHID,
      clock: new ManualClock(),
      stores,
      makeInvite: async (member) => ({ link: `volly://invite#${member}`, expires: 1 }),
      makeCredential: notHere,
      status: notHere,
      isOnline: () => false,
      endDevice: () => {},
      endMember: async (member) => void ended.push(member),
      peers: {
        list: () => [],
        blocked: async () => [...blocked].map((server) => ({ server, at: 1 })),
        isAllowed: (server) => !blocked.has(server),
        block: async (server, value) =>
          blocked.has(server) !== value && (value ? blocked.add(server).size > 0 : blocked.delete(server)),
        wake: notHere,
      },
      forget: notHere,
      endGhost: notHere,
      release: notHere,
    };
    const commands = roomCommands({ ports, log: report });
    write = commands.perform;
    knows = commands.knows;
    await stores.members.add('alice' as never, 'enhanced');
  });

  it('offers the operator’s operations that can be taken back, and no other', async () => {
    const help = await write('help');
    const offered = help.split('\n').slice(1);
    assert.equal(offered.length, 9);
    for (const name of ['status', 'member list', 'member invite MEMBER', 'peer block SERVER', 'quarantine list'])
      assert.ok(
        offered.some((line) => line.startsWith(name)),
        name,
      );
    for (const { name, asks } of OPERATIONS)
      if (asks !== undefined) assert.ok(!offered.some((line) => line.startsWith(name)), name);
    for (const line of [
      'member remove alice',
      'member legacy alice',
      'device remove alice PHONE',
      'quarantine release 1',
      'peer wake x.y',
    ])
      assert.match(await write(line), /^Not in a room: volly-bridge [a-z ]+ on the command line does it\.$/, line);
    assert.deepEqual(await stores.members.members(), ['alice']);
  });

  it('answers as the command line does', async () => {
    assert.equal(await write('member invite bob'), 'volly://invite#bob');
    assert.match(await write('member list'), /^MEMBER +KIND .*\nalice +enhanced/);
    assert.equal(await write('member suspend alice@orchid.example'), 'Suspended.');
    assert.deepEqual(ended, ['alice@orchid.example']);
    assert.equal(await write('Member Suspend alice'), 'It was suspended already.');
    assert.match(await write('member resume alice'), /^No longer suspended/);
    assert.equal(await write(`peer block ${IRIS}`), 'Blocked.');
    assert.ok(blocked.has(parseServerName(IRIS)));
    assert.match(await write('peer list'), /iris\.example +blocked/);
    assert.equal(await write(`  peer   allow\t${IRIS} `), 'No longer blocked.');
    assert.equal(await write('quarantine list'), 'Nothing is in quarantine.');
  });

  it('takes the options of the command line', async () => {
    for (const name of ['bob', 'carol']) await stores.members.add(name as never, 'enhanced');
    const names = (page: string): string[] => page.split('\n').map((row) => row.split(' ')[0] as string);
    assert.deepEqual(names(await write('member list --limit 1 --after alice')), ['MEMBER', 'bob', 'more:']);
    assert.deepEqual(names(await write('member list —after bob')), ['MEMBER', 'carol']);
  });

  it('says how it is written', async () => {
    const usage = 'Write: member invite MEMBER';
    for (const line of ['member invite', 'member invite bob carol', 'member invite bob --force yes', 'member invite bob --limit'])
      assert.equal(await write(line), usage, line);
    for (const line of ['member invite Bob!', 'member list --limit many', 'member list --limit 0'])
      assert.match(await write(line), /^bad_request: .*\nWrite: member /, line);
    for (const line of ['good morning', 'member', 'member dance', 'constructor', '__proto__ x', 'member list-all'])
      assert.equal(await write(line), 'I do not know that. Write help.', line);
  });

  it('says what was refused, and why', async () => {
    assert.match(await write('member suspend nobody'), /^unknown_member: /);
    assert.match(await write('member invite alice@iris.example'), /^unknown_member: /);
    assert.match(await write(`peer block ${ORCHID}`), /^bad_request: /);
  });

  it('leaves a line in the log for each that changes something, without names', async () => {
    await write('member list');
    await write('member invite bob');
    await write('member suspend nobody');
    assert.deepEqual(report.lines, ['admin: member invite: room: ok', 'admin: member suspend: room: unknown_member']);
  });

  it('knows a command by its first word', () => {
    for (const line of ['help', 'Help', 'status', 'member', 'peer list', 'quarantine x']) assert.ok(knows(line), line);
    for (const line of ['', 'hello', 'helpful', 'constructor', 'the status']) assert.ok(!knows(line), line);
  });
});
