/**
 * Set-ups that are broken in one way each, and what the doctor must name: that and nothing else. What needs a real homeserver is in
 * test/federation/doctor.test.ts.
 */
import assert from 'node:assert/strict';
import { parseServerName, type ServerName } from '../../../src/ids.ts';
import type { Finding } from '../../../src/ops/doctor/finding.ts';
import { TROUBLES } from '../../../src/ops/doctor/troubles.ts';
import { BRIDGE } from './cases/bridge.ts';
import { FEDERATION } from './cases/federation.ts';
import { GATEWAY } from './cases/gateway.ts';
import { HOMESERVER } from './cases/homeserver.ts';
import { MACHINE } from './cases/machine.ts';
import { trusting } from './trusting.ts';
import { World } from './world.ts';

const CASES = [...MACHINE, ...BRIDGE, ...HOMESERVER, ...FEDERATION, ...GATEWAY];
const NOT_RUNNING = 'bridge:bridge_not_running';
/** Named by tests of their own. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  check_timed_out: 'check.test.ts',
  check_broke: 'check.test.ts',
  bridge_not_running: 'every case without a bridge',
  not_writable: 'disk.test.ts',
  not_readable: 'disk.test.ts',
  other_owner: 'disk.test.ts',
  read_only_disk: 'disk.test.ts',
  disk_full: 'disk.test.ts',
  disk_low: 'disk.test.ts',
  well_known_broken: 'resolve.test.ts',
};

const troublesOf = (found: readonly Finding[]): string[] =>
  found.flatMap(({ check, code }) => (code === undefined ? [] : [`${check}:${code}`])).sort();

describe('The doctor', () => {
  const trust = trusting();
  let world: World;
  beforeEach(async () => {
    world = await World.make(trust.authority);
  });
  afterEach(() => world.stop());

  it('finds nothing but that no bridge runs, where all else is well', async () => {
    const found = await world.examine();
    assert.deepEqual(troublesOf(found), [NOT_RUNNING]);
    assert.deepEqual(
      found.filter(({ result }) => result === 'skipped').map(({ check }) => check),
      ['peers', 'gateway'],
    );
  });

  it('finds nothing where all is well, and has tried everything', async () => {
    await world.run();
    await world.door();
    world.homeserver.peers.set('iris.example', 'bridge');
    world.awake.add('iris.example');
    const found = await world.examine({ peers: [parseServerName('iris.example')] });
    assert.deepEqual(
      found.filter(({ result }) => result !== 'ok'),
      [],
    );
  });

  for (const { name, breaks, names, runs, isOpen, peers = [] } of CASES)
    it(`names the cause, and nothing else, of ${name}`, async () => {
      if (runs) await world.run();
      if (isOpen) await world.door();
      const told = await breaks(world);
      const named: readonly ServerName[] = (peers === 'told' ? (told as string[]) : peers).map(parseServerName);
      const found = await world.examine({ peers: named });
      const troubles = troublesOf(found).filter((one) => one !== NOT_RUNNING);
      assert.deepEqual(troubles, [...names].sort(), JSON.stringify(found.filter(({ code }) => code !== undefined)));
      assert.ok(found.every(({ code, cause, cure }) => (code === undefined) === (cause === undefined && cure === undefined)));
    });

  it('has a test for everything that it can say', () => {
    const named = CASES.flatMap(({ names }) => names.map((one) => one.split(':')[1]));
    assert.deepEqual(
      Object.keys(TROUBLES).filter((code) => !named.includes(code) && ELSEWHERE[code] === undefined),
      [],
    );
  });
});
