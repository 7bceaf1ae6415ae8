import assert from 'node:assert/strict';
import { checkConfig } from '../../src/config/load.ts';
import type { Config } from '../../src/config/schema.ts';
import { GOOD } from './mistakes/mistake.ts';

const check = (env: Record<string, string>, text = GOOD) => checkConfig(text, '/etc/volly/config.yaml', env);
const configOf = (env: Record<string, string>, text = GOOD): Config => {
  const checked = check(env, text);
  assert.ok('config' in checked, JSON.stringify(checked));
  return checked.config;
};
const problemsOf = (env: Record<string, string>, text = GOOD): readonly string[] => {
  const checked = check(env, text);
  return 'problems' in checked ? checked.problems : [];
};

describe('the environment', () => {
  it('wins over the file, and says so', () => {
    const checked = check({ VOLLY_LOGGING__LEVEL: 'debug' }, `${GOOD}logging: {level: warn}\n`);
    assert.ok('config' in checked);
    assert.equal(checked.config.logging.level, 'debug');
    assert.deepEqual(checked.overrides, [{ name: 'VOLLY_LOGGING__LEVEL', path: ['logging', 'level'], value: 'debug' }]);
  });

  it('sets what the file does not have, at any depth, and alone is enough', () => {
    const { gateway, homeserver } = configOf(
      {
        VOLLY_HOMESERVER__SERVER_NAME: 'orchid.example',
        VOLLY_GATEWAY__PUBLIC_URL: 'wss://volly.orchid.example',
        VOLLY_GATEWAY__LISTEN__PORT: '443',
        VOLLY_GATEWAY__LEGACY: 'true',
      },
      '',
    );
    assert.deepEqual([homeserver.server_name, gateway.listen.port, gateway.legacy], ['orchid.example', 443, true]);
  });

  it('has lists and whole sections as the file would; a nearer variable wins', () => {
    const { policy, gateway } = configOf({
      VOLLY_POLICY__DENY: '[iris.example, "*.moss.example"]',
      VOLLY_GATEWAY__LISTEN: '{host: 0.0.0.0, port: 443}',
      VOLLY_GATEWAY__LISTEN__PORT: '444',
    });
    assert.deepEqual(policy.deny, ['iris.example', '*.moss.example']);
    assert.deepEqual(gateway.listen, { host: '0.0.0.0', port: 444 });
  });

  it('need not quote what is text, whatever YAML makes of it', () => {
    const { appservice, gateway } = configOf({ VOLLY_GATEWAY__LISTEN__HOST: '::', VOLLY_APPSERVICE__ID: '1.20' });
    assert.deepEqual([gateway.listen.host, appservice.id], ['::', '1.20']);
    assert.equal(configOf({ VOLLY_APPSERVICE__ID: '"volly"' }).appservice.id, 'volly');
  });

  it('has paths as the file would: relative to it', () => {
    assert.equal(configOf({ VOLLY_STORAGE__PATH: './db' }).storage.path, '/etc/volly/db');
  });

  it('is named in place of the line where it is wrong', () => {
    const one = (env: Record<string, string>) => problemsOf(env).join('\n');
    assert.equal(
      one({ VOLLY_GATEWAY__LISTEN__PORT: '"443"' }),
      'VOLLY_GATEWAY__LISTEN__PORT: gateway.listen.port found "443"; allowed is a whole number from 1 to 65535; did you mean 443, without quotes?',
    );
    assert.equal(
      one({ VOLLY_POLICY__DENY: '[iris.example, Moss.example]' }),
      'VOLLY_POLICY__DENY: policy.deny.1 found "Moss.example"; allowed is a Matrix server name, as iris.example, or *.iris.example; did you mean moss.example?',
    );
    assert.equal(one({ VOLLY_POLICY__DENY: '[iris' }), 'VOLLY_POLICY__DENY: not YAML: Flow sequence must end with a ]');
    assert.equal(
      one({ VOLLY_GATEWAY__LISTEN__PORT: '29330' }),
      'VOLLY_GATEWAY__LISTEN__PORT: gateway.listen.port is the same port as appservice.listen.port; each listener needs its own',
    );
    assert.equal(one({ VOLLY_LOGGING: '{levle: debug}' }), 'VOLLY_LOGGING: logging.levle is unknown; did you mean level?');
  });

  it('has no name of ours that is none, with the nearest right one', () => {
    const one = (name: string) => problemsOf({ [name]: 'x' }).join('\n');
    assert.equal(one('VOLLY_LOGGING_LEVEL'), 'VOLLY_LOGGING_LEVEL is unknown; did you mean VOLLY_LOGGING__LEVEL?');
    assert.equal(one('VOLLY_GATEWAY__PORT'), 'VOLLY_GATEWAY__PORT is unknown; did you mean VOLLY_GATEWAY__LISTEN__PORT?');
    assert.equal(one('VOLLY_ENGINE'), 'VOLLY_ENGINE is unknown; docs/CONFIG.md names every variable');
    assert.match(one('VOLLY_APPSERVICE__AS_TOKEN'), /^VOLLY_APPSERVICE__AS_TOKEN is unknown; tokens live in the file /);
  });

  it('may have an empty variable, which says nothing', () => {
    assert.equal(configOf({ VOLLY_LOGGING__LEVEL: '' }).logging.level, 'info');
  });

  it('may have what others put there: tests, apps, and Kubernetes for a service that is called volly', () => {
    configOf({
      VOLLY_TEST_COUNTS: 'x',
      VOLLY_SYNAPSE: 'x',
      VOLLY_INVITE: 'x',
      VOLLY_SERVICE_HOST: '10.0.0.1',
      VOLLY_SERVICE_PORT_GATEWAY: '443',
      VOLLY_GATEWAY_PORT: 'tcp://10.0.0.1:443',
      VOLLY_GATEWAY_PORT_443_TCP_ADDR: '10.0.0.1',
      PATH: '/bin',
    });
  });
});
