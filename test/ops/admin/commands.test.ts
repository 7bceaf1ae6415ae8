/** The command line's half: from words to an operation of the bridge that runs, or on the database of one that does not. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { addOperations } from '../../../src/commands/operations.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { OPERATIONS } from '../../../src/ops/admin/operations.ts';
import { adminListener } from '../../../src/ops/admin/server.ts';
import { type Listener, listen } from '../../../src/ops/listen.ts';
import { AdminWorld, ALICE, FERN, PHONE, TABLET } from './world.ts';

const TOKEN = 't'.repeat(43);

describe('commands of the operator', () => {
  let world: AdminWorld;
  let folder: string;
  let listener: Listener | undefined;
  let printed: string[];
  const { log } = console;
  beforeEach(async () => {
    world = new AdminWorld();
    await world.enrol(ALICE, PHONE, TABLET);
    folder = mkdtempSync(join(tmpdir(), 'volly-commands-'));
    const { ports, log } = world;
    listener = await listen(createServer(adminListener({ token: TOKEN, ports, log })), { host: '127.0.0.1', port: 0 });
    writeFileSync(join(folder, 'admin.token'), `${TOKEN}\n`, { mode: 0o600 });
    writeFileSync(
      join(folder, 'config.yaml'),
      `homeserver:\n  server_name: orchid.example\ngateway:\n  public_url: wss://volly.orchid.example\n  legacy: true
admin:\n  listen:\n    port: ${listener.port}\n  token: admin.token\n`,
    );
    printed = [];
  });
  afterEach(async () => {
    console.log = log;
    await listener?.close();
    rmSync(folder, { recursive: true });
  });

  async function type(line: string): Promise<string> {
    const volly = new Command().exitOverride().configureOutput({ writeErr: () => {} });
    const file = () => join(folder, 'config.yaml');
    addOperations(volly, { version: '1', file, config: () => loadConfig(file()) });
    printed = [];
    console.log = (text: string) => void printed.push(text);
    try {
      await volly.parseAsync(['node', 'volly-bridge', ...line.split(' ')]);
    } finally {
      console.log = log;
    }
    return printed.join('\n');
  }

  it('are all in the table, with arguments from the path and options for the rest', async () => {
    const volly = new Command();
    addOperations(volly, { version: '1', file: () => '', config: () => loadConfig('') });
    for (const { name, path, asks } of OPERATIONS) {
      const found = name
        .split(' ')
        .reduce<Command | undefined>((at, word) => at?.commands.find((one) => one.name() === word), volly);
      assert.ok(found, name);
      assert.equal(found.registeredArguments.length, path.split('{').length - 1, name);
      assert.ok(found.summary().length < 80, name);
      assert.equal(
        found.options.some(({ long }) => long === '--yes'),
        asks !== undefined,
        name,
      );
    }
  });

  it('print a table, or everything as JSON', async () => {
    assert.match(await type('member list'), /^MEMBER {2}KIND .*\nalice {3}enhanced/);
    assert.equal(JSON.parse(await type('member list --limit 1 --json')).members[0].member, 'alice');
    assert.match(await type('member list --after alice'), /^No members\.$/);
    assert.match(await type('status'), /^Volly bridge 1\.2\.3 of orchid\.example/);
    assert.equal(await type(`peer block ${FERN}`), 'Blocked.');
    assert.equal(
      await type('device remove alice@orchid.example TABLET'),
      'The device is kept out. The member’s first device should remove it from the member’s list too.',
    );
    assert.equal(await world.stores.members.admits(ALICE, TABLET, Uint8Array.of(1)), 'barred');
    await world.quarantine('bad_key', '{}');
    assert.equal(JSON.parse(await type('quarantine list --code bad_key --json')).items.length, 1);
  });

  it('tell what the bridge refuses, in its own words', async () => {
    await assert.rejects(type('member show nobody'), { code: 'unknown_member' });
    await assert.rejects(type('member show No'), { code: 'bad_request', message: /^bad_request: member show: member; wanted: / });
    await assert.rejects(type('quarantine show 7'), { code: 'not_found', message: 'not_found: quarantine' });
    writeFileSync(join(folder, 'admin.token'), 'x'.repeat(43), { mode: 0o600 });
    await assert.rejects(type('member list'), { code: 'wrong_admin_token' });
  });

  it('do what cannot be taken back only after a yes', async () => {
    if (process.stdin.isTTY) console.log('      a terminal is here: only --yes is tried');
    else await assert.rejects(type('member remove alice'), { code: 'not_confirmed' });
    assert.equal(await world.stores.members.kind(ALICE), 'enhanced');
    assert.match(await type('member remove alice --yes'), /^Removed/);
  });

  it('make invites and credentials where no bridge runs, and nothing else', async () => {
    await listener?.close();
    listener = undefined;
    assert.match(await type('member invite carol'), /^volly:\/\/volly\.orchid\.example\/invite#.*\.carol@orchid\.example$/);
    assert.match(await type('member legacy olga@orchid.example'), /^[\w-]{40,}$/);
    await assert.rejects(type('member invite carol@iris.example'), { code: 'unknown_member' });
    await assert.rejects(type('member list'), { code: 'not_running', message: /nothing answers/ });
    rmSync(join(folder, 'admin.token'));
    await assert.rejects(type('peer list'), { code: 'not_running', message: /admin\.token is missing/ });
  });
});
