/** deploy/systemd/volly-bridge.service: by systemd's own tools where they are installed. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { judge, needs, read } from './tools.ts';

const unit = read('deploy/systemd/volly-bridge.service');
/** Of systemd 252; newer ones look at more. 0 is best, 10 worst. */
const EXPOSURE_AT_MOST = 2;

describe('the systemd unit', () => {
  let folder: string;
  let file: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'volly-unit-'));
    file = join(folder, 'volly-bridge.service');
    // Where it names programs of the machine that it is for, this machine's.
    writeFileSync(file, unit.replace('/usr/bin/node', process.execPath));
  });
  after(() => rmSync(folder, { recursive: true }));

  it('passes systemd-analyze verify', function () {
    needs(this, 'systemd-analyze', '--version');
    const { status, output } = judge('systemd-analyze', ['verify', '--man=no', file]);
    assert.deepEqual([status, output], [0, '']);
  });

  it('is little exposed', function () {
    needs(this, 'systemd-analyze', '--version');
    const threshold = `--threshold=${EXPOSURE_AT_MOST * 10}`;
    const { status, output } = judge('systemd-analyze', ['security', '--offline=true', '--no-pager', threshold, file]);
    assert.equal(status, 0, output.split('\n').at(-2));
  });

  it('runs the bridge as its own user in its own folder, stops it by SIGTERM and lets it read again by SIGHUP', () => {
    for (const line of [
      'User=volly',
      'StateDirectory=volly',
      'StateDirectoryMode=0700',
      'UMask=0077',
      'ExecReload=/bin/kill -HUP $MAINPID',
      'Restart=on-failure',
    ])
      assert.ok(unit.includes(`\n${line}\n`), line);
    assert.match(
      unit,
      /^ExecStart=\/usr\/bin\/node \/opt\/volly-bridge\/src\/bin\.js start --config \/var\/lib\/volly\/config\.yaml$/m,
    );
    assert.doesNotMatch(unit, /^KillSignal=/m);
  });

  it('does not forbid what Node.js needs', () => {
    // V8 writes the code that it runs; the list of addresses comes by netlink.
    assert.doesNotMatch(unit, /^MemoryDenyWriteExecute=/m);
    assert.match(unit, /^RestrictAddressFamilies=.*AF_NETLINK/m);
  });
});
