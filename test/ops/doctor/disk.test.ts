/** What the doctor says of disks and rights, and what it mends. A disk of its own takes root; another user's view, that or not being root. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { runChecks } from '../../../src/ops/doctor/check.ts';
import { configCheck, storageCheck } from '../../../src/ops/doctor/checks/machine.ts';
import { permissionsCheck } from '../../../src/ops/doctor/checks/permissions.ts';
import type { Finding } from '../../../src/ops/doctor/finding.ts';
import { SmallDisk } from '../../support/small-disk.ts';
import { trusting } from './trusting.ts';
import { World } from './world.ts';

const NOBODY = 65_534;
const isRoot = process.geteuid?.() === 0;

describe('The doctor and the disk', () => {
  const trust = trusting();
  let world: World;
  beforeEach(async () => {
    world = await World.make(trust.authority);
  });
  afterEach(() => world.stop());

  const look = async ({ fix = false } = {}): Promise<Finding[]> => {
    const config = configCheck(world);
    const found: Finding[] = [];
    for await (const finding of runChecks([storageCheck(config), permissionsCheck(world, config)], { fix })) found.push(finding);
    return found;
  };
  const codes = (found: readonly Finding[]): (string | undefined)[] => found.map(({ code }) => code);

  /** The database on a disk of its own. */
  const onDisk = (kilobytes: number): SmallDisk | undefined => {
    const disk = SmallDisk.mount(kilobytes);
    if (disk === undefined) console.log('      skipped: mounting a disk takes root');
    else {
      world.end(() => disk.unmount());
      world.configure({ storage: { path: join(disk.path, 'volly.db') } });
    }
    return disk;
  };

  it('names a disk without room, and one that has little', async function () {
    const disk = onDisk(64_000) ?? this.skip();
    assert.deepEqual(codes(await look()), ['disk_low', undefined]);
    disk.fill(1_000_000);
    assert.deepEqual(codes(await look()), ['disk_full', undefined]);
    disk.empty();
    disk.fill();
    const [full] = await look();
    assert.match(`${full?.code} ${full?.found}`, /^disk_full .*ENOSPC/);
    assert.deepEqual(readdirSync(disk.path), ['filler'], 'and leaves nothing there');
  });

  it('names a disk that is read-only', async function () {
    const disk = onDisk(1_000) ?? this.skip();
    execFileSync('mount', ['-o', 'remount,ro', disk.path]);
    assert.deepEqual(codes(await look()), ['read_only_disk', undefined]);
  });

  it('names a folder that this user may not write, and a file that it may not read', async () => {
    if (isRoot) for (const path of [world.dir, world.configFile, join(world.dir, 'data')]) chownSync(path, NOBODY, NOBODY);
    chmodSync(world.keyFile, 0);
    chmodSync(dirname(world.databaseFile), 0o500);
    if (isRoot) process.seteuid?.(NOBODY);
    try {
      assert.deepEqual(codes(await look()), ['not_writable', 'not_readable']);
    } finally {
      if (isRoot) process.seteuid?.(0);
      chmodSync(dirname(world.databaseFile), 0o700);
    }
  });

  it('names files behind a folder that this user may not enter', async () => {
    if (isRoot) for (const path of [world.dir, world.configFile]) chownSync(path, NOBODY, NOBODY);
    chmodSync(join(world.dir, 'data'), isRoot ? 0o700 : 0);
    if (isRoot) process.seteuid?.(NOBODY);
    try {
      assert.deepEqual(codes(await look()), ['not_writable', 'not_readable']);
    } finally {
      if (isRoot) process.seteuid?.(0);
      chmodSync(join(world.dir, 'data'), 0o700);
    }
  });

  it('names a file that belongs to another user', async function () {
    if (!isRoot) {
      console.log('      skipped: giving a file away takes root');
      this.skip();
    }
    for (const [file, mode, code] of [
      [world.keyFile, 0o600, 'other_owner'],
      [world.registrationFile, 0o600, 'other_owner'],
      [world.registrationFile, 0o640, undefined],
    ] as const) {
      chownSync(file, NOBODY, NOBODY);
      chmodSync(file, mode);
      assert.deepEqual(codes(await look()), [undefined, code], file);
      chownSync(file, 0, 0);
    }
  });

  it('mends rights and missing folders when told to, and says what it did', async () => {
    chmodSync(world.registrationFile, 0o646);
    chmodSync(world.keyFile, 0o666);
    const folder = join(world.dir, 'new/data');
    world.configure({ storage: { path: join(folder, 'volly.db') } });
    const [made, closed] = await look({ fix: true });
    assert.deepEqual([made?.result !== 'failed', made?.fixed], [true, `made ${folder}`]);
    assert.equal(closed?.result, 'ok');
    assert.match(closed?.fixed ?? '', /took the rights of others from .*registration\.yaml, .*community\.key/);
    const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);
    assert.deepEqual([folder, world.keyFile, world.registrationFile].map(mode), ['700', '600', '640']);
  });

  it('follows no link to another file when it mends: a root who mends may not be led elsewhere by the bridge’s user', async () => {
    const other = join(world.dir, 'shadow');
    writeFileSync(other, 'x'.repeat(43), { mode: 0o644 });
    symlinkSync(other, join(world.dir, 'data/admin.token'));
    const [, permissions] = await look({ fix: true });
    assert.deepEqual([permissions?.code, permissions?.fixed], ['readable_by_others', 'could not be mended (ELOOP)']);
    assert.equal(statSync(other).mode & 0o777, 0o644);
  });

  it('leaves a registration that its group may read to that group', async () => {
    chmodSync(world.registrationFile, 0o640);
    const [, permissions] = await look({ fix: true });
    assert.match(permissions?.found ?? '', /group \d+ may read the registration/);
    assert.equal(permissions?.fixed, undefined);
  });
});
