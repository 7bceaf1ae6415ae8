/** No false alarm of the doctor on Dendrite, which has no ping and is read by a login of its own. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { examine } from '../../../src/compose/doctor.ts';
import { trusting } from '../../ops/doctor/trusting.ts';
import { type Community, startCommunity } from '../../support/community.ts';

const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as { version: string };

describe('The doctor on a Dendrite', () => {
  const { authority } = trusting();
  let folder: string;
  let orchid: Community;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'volly-doctor-'));
    orchid = await startCommunity({ name: 'orchid', dir: join(folder, 'orchid'), authority, homeserver: 'dendrite' });
  });
  after(async () => {
    await orchid?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const look = async (): Promise<readonly string[]> => {
    const found: string[] = [];
    for await (const { check, result, code } of examine({ configFile: orchid.configPath, version }))
      if (result !== 'ok') found.push(`${check} ${code ?? result}`);
    return found;
  };

  it('finds no more than that no TURN is configured, and has no ping to try', async () => {
    assert.deepEqual(await look(), ['ping skipped', 'turn turn_missing']);
  });

  it('finds no more than that and that no bridge runs, where none does', async () => {
    await orchid.stopBridge();
    const more = ['bridge bridge_not_running', 'ping skipped', 'receiving skipped', 'peers skipped'];
    assert.deepEqual(await look(), [...more, 'turn turn_missing', 'gateway skipped']);
  });
});
