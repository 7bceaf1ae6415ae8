import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Settings } from '../../src/compose/reload.ts';
import { loadConfig } from '../../src/config/load.ts';
import { VollyError } from '../../src/errors.ts';
import { createAuthority } from '../support/homeserver/certificates.ts';

const BASE = 'homeserver: {server_name: orchid.example}\ngateway:\n  public_url: wss://orchid.example\n';
const TLS = '  tls: {certificate: tls.crt, key: tls.key}\n';

describe('a reload', () => {
  const authority = createAuthority();
  let dir: string;
  let settings: Settings;
  /** What the followers were told. */
  let taken: string[][];
  let lines: string[];
  const log = {
    info: (event: string, fields?: object) => void lines.push(`${event} ${JSON.stringify(fields)}`),
    warn: (event: string, fields?: object) => void lines.push(`${event} ${JSON.stringify(fields)}`),
  };
  const write = (name: string, text: string): void => writeFileSync(join(dir, name), text);
  const load = () => loadConfig(join(dir, 'config.yaml'), {});
  const certify = (days: number): void => {
    const { certificate, key } = authority.issue({ days });
    write('tls.crt', certificate);
    write('tls.key', key);
  };
  const reloaded = (text: string): readonly string[] => {
    write('config.yaml', text);
    lines.length = 0;
    settings.reload(load, log);
    return lines;
  };

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'volly-reload-'));
    certify(90);
    write('config.yaml', BASE + TLS);
    [taken, lines] = [[], []];
    settings = new Settings(load());
    settings.follow(({ policy }) => taken.push([...policy.deny]));
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  it('tells whoever follows, at first and each time, and the log what changed and until when the certificate is good', () => {
    const [line = ''] = reloaded(`${BASE}${TLS}policy: {deny: [iris.example]}\nstorage: {path: elsewhere}\n`);
    assert.match(
      line,
      /^configuration reloaded {"applied":"policy\.deny","waiting":"storage\.path","certificate_until":"20\d\d-[^"]*Z"}$/,
    );
    assert.deepEqual(taken, [[], ['iris.example']]);
    assert.match(settings.now.storage.path, /data\/volly\.db$/);
  });

  it('without a change is none but for the certificate', () => {
    certify(80);
    assert.match(reloaded(BASE + TLS)[0] ?? '', /{"applied":"nothing","waiting":"nothing","certificate_until":"/);
  });

  it('of a bad file changes nothing, and names its first mistake', () => {
    const before = settings.now;
    const [line = ''] = reloaded(`${BASE}${TLS}policy: {deny: [iris.example]}\nlogging: {level: loud}\n`);
    assert.match(
      line,
      /^the configuration was not reloaded; the one before holds {"reason":"bad_config: .*config\.yaml:6:18: logging\.level found/,
    );
    rmSync(join(dir, 'config.yaml'));
    settings.reload(load, log);
    assert.match(lines.at(-1) ?? '', /cannot be read/);
    assert.equal(settings.now, before);
    assert.deepEqual(taken, [[]]);
  });

  it('of a certificate that is none, or of another key, changes nothing', () => {
    const before = settings.now;
    const good = `${BASE}${TLS}policy: {deny: [iris.example]}\n`;
    write('tls.key', authority.issue().key);
    assert.match(reloaded(good)[0] ?? '', /^the configuration was not reloaded.*gateway\.tls: .*mismatch/);
    write('tls.crt', 'soon');
    assert.match(reloaded(good)[0] ?? '', /^the configuration was not reloaded.*gateway\.tls: /);
    assert.equal(settings.now, before);
    certify(90);
    assert.match(reloaded(good)[0] ?? '', /"applied":"policy\.deny"/);
  });

  it('does not hide a bug', () => {
    assert.throws(() => settings.reload(() => assert.fail('a bug'), log), { message: 'a bug' });
    settings.reload(() => {
      throw new VollyError('bad_config', 'x');
    }, log);
  });
});
