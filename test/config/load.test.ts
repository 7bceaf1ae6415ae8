import assert from 'node:assert/strict';
import { checkConfig } from '../../src/config/load.ts';
import { sampleConfig } from '../../src/config/sample.ts';
import { GOOD } from './mistakes/mistake.ts';

const problemsOf = (text: string): readonly string[] => {
  const checked = checkConfig(text, 'config.yaml');
  return 'problems' in checked ? checked.problems : [];
};

describe('config', () => {
  it('takes the least there can be and fills in the rest', () => {
    const checked = checkConfig(GOOD, '/etc/volly/config.yaml');
    assert.ok('config' in checked);
    const { config } = checked;
    assert.equal(config.homeserver.url, 'http://127.0.0.1:8008');
    assert.equal(config.gateway.legacy, false);
    assert.deepEqual(config.carriers, [{ kind: 'to_device', timeout_ms: 10_000 }]);
    assert.equal(config.storage.path, '/etc/volly/data/volly.db');
    assert.equal(config.appservice.registration, '/etc/volly/data/registration.yaml');
  });

  it('takes its own sample', () => {
    assert.deepEqual(problemsOf(sampleConfig()), []);
  });

  it('takes the sample with its commented section uncommented', () => {
    const text = sampleConfig().replaceAll(/^ {2}# (tls:| {2}\w+: )/gm, '  $1');
    const checked = checkConfig(text, '/etc/config.yaml');
    assert.ok('config' in checked);
    assert.deepEqual(checked.config.gateway.tls, { certificate: '/etc/tls.crt', key: '/etc/tls.key' });
  });

  it('takes the public address in either spelling, with a path', () => {
    const publicUrl = (text: string): string | undefined => {
      const checked = checkConfig(GOOD.replace('wss://volly.orchid.example', text), 'config.yaml');
      return 'config' in checked ? checked.config.gateway.public_url : undefined;
    };
    assert.equal(publicUrl('wss://volly.orchid.example/'), 'https://volly.orchid.example');
    assert.equal(publicUrl('https://orchid.example/calls'), 'https://orchid.example/calls');
    assert.equal(publicUrl('ws://127.0.0.1:8080'), 'http://127.0.0.1:8080');
    for (const bad of [
      'ws://orchid.example',
      'wss://a:b@orchid.example',
      'wss://orchid.example/?a',
      'wss://orchid.example/a%20b',
      'orchid',
    ])
      assert.equal(publicUrl(bad), undefined, bad);
  });
});
