/** deploy/docker/compose.yaml and what it mounts: by Docker Compose itself where it is installed, and by what must fit what. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { SYNAPSE_VERSION } from '../support/homeserver/install.ts';
import { configOf, judge, needs, read, readYaml, root } from './tools.ts';

const FOLDER = 'deploy/docker';
const NAMES = { SERVER_NAME: 'orchid.example', GATEWAY_NAME: 'volly.orchid.example' };
const compose = readYaml(`${FOLDER}/compose.yaml`);
const { bridge, synapse, turn, caddy } = compose.services;

/** As Compose fills them in from .env. */
const filled = (text: string): string =>
  text.replaceAll(/\$\{(\w+):\?[^}]*\}/g, (_, name: keyof typeof NAMES) => NAMES[name] ?? assert.fail(name));
const configured = () =>
  configOf(Object.fromEntries(Object.entries<string>(bridge.environment).map(([name, value]) => [name, filled(value)])));

describe('the compose file', () => {
  it('passes Docker Compose', function () {
    needs(this, 'docker', 'compose', 'version');
    const { status, output } = judge('docker', ['compose', '--file', 'compose.yaml', 'config', '--quiet'], {
      cwd: join(root, FOLDER),
      env: { ...process.env, ...NAMES },
    });
    assert.equal(status, 0, output);
  });

  it('pins every image, the bridge’s to this version and Synapse’s to the tested one', () => {
    for (const { image } of [bridge, synapse, turn, caddy]) assert.match(image, /:v?\d+\.\d+\.\d+$/);
    assert.equal(bridge.image, `volly-bridge:${JSON.parse(read('package.json')).version}`);
    assert.equal(synapse.image, `ghcr.io/element-hq/synapse:v${SYNAPSE_VERSION}`);
    assert.ok(existsSync(join(root, FOLDER, bridge.build.context, bridge.build.dockerfile)));
  });

  it('mounts what is there, and declares what it uses', () => {
    const used = new Set<string>();
    for (const service of [bridge, synapse, turn, caddy]) {
      for (const mount of (service.volumes ?? []) as string[]) {
        const [source = ''] = mount.split(':');
        if (!source.startsWith('.')) used.add(source);
        // The steps make it.
        else if (source !== './backups') assert.ok(existsSync(join(root, FOLDER, source)), source);
      }
    }
    assert.deepEqual([...used].sort(), Object.keys(compose.volumes).sort());
    assert.deepEqual(Object.keys(compose.secrets), ['turn_secret']);
    const ignored = read(`${FOLDER}/.gitignore`);
    for (const secret of ['secrets/', 'backups/', '.env']) assert.ok(ignored.includes(`${secret}\n`), secret);
  });

  it('gives the bridge a configuration that is right, and believes its proxy alone', () => {
    const { homeserver, gateway, appservice } = configured();
    assert.equal(homeserver.server_name, NAMES.SERVER_NAME);
    assert.equal(new URL(gateway.public_url).host, NAMES.GATEWAY_NAME);
    assert.deepEqual(gateway.trusted_proxies, [compose.networks.community.ipam.config[0].subnet]);
    // Each by the other's name in their network.
    assert.equal(homeserver.url, 'http://synapse:8008');
    assert.equal(appservice.url, `http://bridge:${appservice.listen.port}`);
  });

  it('shows the homeserver the registration and nothing else of the bridge', () => {
    const mounts = (synapse.volumes as string[]).filter((mount) => /^(bridge|registration):/.test(mount));
    assert.deepEqual(mounts, ['registration:/registration:ro']);
    const { registration } = configured().appservice;
    const inside = registration.replace('/volly/registration/', '/registration/');
    assert.deepEqual(readYaml(`${FOLDER}/synapse.yaml`).app_service_config_files, [inside]);
    assert.ok((bridge.volumes as string[]).includes('registration:/volly/registration'));
    assert.ok(synapse.command.includes('/volly.yaml') && synapse.volumes.includes('./synapse.yaml:/volly.yaml:ro'));
    // The image's user: the file has mode 0600.
    assert.deepEqual([synapse.environment.UID, synapse.environment.GID], ['1000', '1000']);
  });

  it('lets the internet in by Caddy, to the gateway and the homeserver, and by TURN', () => {
    assert.deepEqual([bridge.ports, synapse.ports], [undefined, undefined]);
    const proxied = [...read(`${FOLDER}/Caddyfile`).matchAll(/reverse_proxy (\S+) (\S+)/g)].map(
      ([, path, to]) => `${path} ${to}`,
    );
    assert.deepEqual(proxied, [
      `/volly/* bridge:${configured().gateway.listen.port}`,
      '/_matrix/* synapse:8008',
      '/_synapse/client/* synapse:8008',
    ]);
    assert.ok(bridge.read_only && bridge.cap_drop.includes('ALL') && bridge.security_opt.includes('no-new-privileges:true'));
  });

  it('has one TURN secret for both who need it, and in no file of this repository', () => {
    assert.deepEqual([synapse.secrets, turn.secrets], [['turn_secret'], ['turn_secret']]);
    assert.equal(readYaml(`${FOLDER}/synapse.yaml`).turn_shared_secret_path, '/run/secrets/turn_secret');
    assert.ok(turn.command.includes('--static-auth-secret=$$(cat /run/secrets/turn_secret)'));
  });

  it('names every variable that it needs in .env.sample', () => {
    const text = read(`${FOLDER}/compose.yaml`);
    const needed = new Set([...text.matchAll(/\$\{(\w+)/g)].map(([, name]) => name));
    const given = [...read(`${FOLDER}/.env.sample`).matchAll(/^(\w+)=/gm)].map(([, name]) => name);
    assert.deepEqual([...needed].sort(), given.sort());
  });
});
