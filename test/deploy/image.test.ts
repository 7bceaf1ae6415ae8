/** deploy/docker/Dockerfile, without an engine: what a build of it would stumble over, and what a container of it would be. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { configOf, defaults, read, root } from './tools.ts';

const file = read('deploy/docker/Dockerfile');
/** One instruction a line, without comments. */
const steps = file
  .replaceAll(/^#.*\n/gm, '')
  .replaceAll(/\\\n\s*/g, ' ')
  .split('\n')
  .filter((line) => line.trim() !== '');
const of = (instruction: string): readonly string[] =>
  steps.filter((step) => step.startsWith(`${instruction} `)).map((step) => step.slice(instruction.length + 1));
const ENV = { VOLLY_HOMESERVER__SERVER_NAME: 'orchid.example', VOLLY_GATEWAY__PUBLIC_URL: 'wss://volly.orchid.example' };

describe('the image', () => {
  it('is made of files that are there, and that .dockerignore lets through', () => {
    const sources = of('COPY')
      .filter((copy) => !copy.startsWith('--from'))
      .flatMap((copy) => copy.split(' ').slice(0, -1));
    assert.ok(sources.length >= 8, String(sources));
    const allowed = read('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));
    for (const source of sources) {
      assert.ok(existsSync(join(root, source)), source);
      assert.ok(allowed.includes(source), `${source} in .dockerignore`);
    }
    assert.match(read('.dockerignore'), /^\*$/m, 'all else stays out');
    for (const path of allowed) assert.ok(sources.includes(path), `${path} is let through for nothing`);
  });

  it('has one base, pinned, with a Node.js that this program takes', () => {
    const stages = of('FROM').map((from) => from.split(/ AS /));
    const names = stages.map(([, name]) => name);
    const bases = new Set(stages.map(([base]) => base).filter((base) => !names.includes(base)));
    assert.equal(bases.size, 1, [...bases].join(', '));
    const [, major, minor] = /^node:(\d+)\.(\d+)\.\d+-bookworm-slim$/.exec([...bases][0] ?? '') ?? [];
    const [, needed, least] = /^>=(\d+)\.(\d+)$/.exec(JSON.parse(read('package.json')).engines.node) ?? [];
    assert.ok(Number(major) === Number(needed) && Number(minor) >= Number(least), file);
  });

  it('runs as a user without rights, as process 1 that hears SIGTERM, and says how it is', () => {
    const last = steps.slice(
      steps.findIndex((step) => / AS bridge$/.test(step)),
      steps.findIndex((step) => / AS hosted$/.test(step)),
    );
    assert.ok(last.includes('USER node'));
    // In the form that needs no shell, which would not pass the signal on.
    assert.ok(last.includes('ENTRYPOINT ["node", "/app/bridge/bin.js"]'));
    assert.ok(last.some((step) => step.startsWith('HEALTHCHECK ') && step.includes('health.js')));
    assert.equal(of('FROM').at(-1), 'bridge', 'what is built by default');
    assert.deepEqual(of('VOLUME'), [], 'some hosts refuse it');
  });

  it('has a configuration that needs two names and no more, and writes to /volly alone', () => {
    const { storage, keys, admin, appservice, gateway } = configOf(ENV);
    for (const path of [storage.path, keys.path, admin.token, appservice.registration]) assert.match(path, /^\/volly\//);
    assert.match(appservice.registration, /^\/volly\/registration\//);
    for (const { listen } of [appservice, gateway]) assert.equal(listen.host, '0.0.0.0');
    assert.equal(admin.listen.host, '127.0.0.1', 'the admin API stays inside');
    for (const name of Object.keys(ENV)) assert.throws(() => configOf({ ...ENV, [name]: '' }), name);
  });

  it('shows the ports that the bridge listens on', () => {
    const { appservice, gateway } = configOf(ENV);
    const usual = defaults();
    assert.deepEqual([appservice.listen.port, gateway.listen.port], [usual.appservice.listen.port, usual.gateway.listen.port]);
    assert.deepEqual(of('EXPOSE'), [`${appservice.listen.port} ${gateway.listen.port}`]);
    assert.match(read('deploy/docker/health.js'), new RegExp(`VOLLY_APPSERVICE__LISTEN__PORT \\?\\? ${appservice.listen.port};`));
  });
});
