import assert from 'node:assert/strict';
import { changesIn } from '../../src/config/changes.ts';
import { checkConfig } from '../../src/config/load.ts';
import type { Config } from '../../src/config/schema.ts';
import { GOOD } from './mistakes/mistake.ts';

const configOf = (more = ''): Config => {
  const checked = checkConfig(GOOD + more, '/etc/volly/config.yaml');
  assert.ok('config' in checked, JSON.stringify(checked));
  return checked.config;
};

describe('changes of the configuration', () => {
  it('are none where nothing changed', () => {
    const before = configOf();
    assert.deepEqual(changesIn(before, configOf()), { config: before, applied: [], waiting: [] });
  });

  it('are taken over where the schema says so, and else wait', () => {
    const { config, applied, waiting } = changesIn(
      configOf(),
      configOf(
        '  trusted_proxies: []\n  legacy: true\npolicy: {deny: [iris.example]}\nlogging: {level: debug}\nstorage: {path: x}\n',
      ),
    );
    assert.deepEqual(applied, ['gateway.trusted_proxies', 'policy.deny', 'logging.level']);
    assert.deepEqual(waiting, ['gateway.legacy', 'storage.path']);
    assert.deepEqual([config.policy.deny, config.logging.level], [['iris.example'], 'debug']);
    assert.deepEqual([config.gateway.legacy, config.storage.path], [false, '/etc/volly/data/volly.db']);
  });

  it('wait where TLS comes or goes, and are taken over where its files change', () => {
    const [without, one, other] = [
      configOf(),
      configOf('  tls: {certificate: a, key: b}\n'),
      configOf('  tls: {certificate: c, key: b}\n'),
    ];
    assert.deepEqual(changesIn(without, one), { config: without, applied: [], waiting: ['gateway.tls'] });
    assert.deepEqual(changesIn(one, without), { config: one, applied: [], waiting: ['gateway.tls'] });
    assert.deepEqual(changesIn(one, other), { config: other, applied: ['gateway.tls.certificate'], waiting: [] });
  });
});
