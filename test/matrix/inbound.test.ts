import assert from 'node:assert/strict';
import { systemRandom } from '../../src/clock.ts';
import { newEnvelopeId, parseServerName } from '../../src/ids.ts';
import { readEvents } from '../../src/matrix/inbound.ts';

const own = parseServerName('maple.example');
const hello = () => ({
  ...{ id: newEnvelopeId(systemRandom), type: 'app.volly.hello', from: 'orchid.example', to: own },
  ...{ expires: 1_790_000_000_000, time: 1_790_000_000_000, reply: false },
});
const event = (sender: unknown) => ({ sender, type: 'app.volly.hello', content: { envelopes: [hello()] } });

describe('events of /sync', () => {
  it('R10 count only from a bridge user, with the server that the homeserver vouches for', () => {
    const good = readEvents([event('@_volly.bridge:orchid.example')], own);
    assert.deepEqual(
      good.arrivals.map(({ server }) => server),
      ['orchid.example'],
    );
    const others = [
      '@mallory:orchid.example',
      '@_volly_alice:orchid.example',
      '@_volly.bridge2:orchid.example',
      '@_volly.bridge:',
      '@_volly.bridge:orchid.example extra',
      'x@_volly.bridge:orchid.example',
      // Nothing of our own name comes by the homeserver.
      `@_volly.bridge:${own}`,
      undefined,
      7,
    ];
    const { arrivals, refused, strangers } = readEvents(others.map(event), own);
    assert.deepEqual([arrivals.length, refused.length, strangers], [0, 0, others.length]);
  });

  it('are an echo from the own bridge user alone', () => {
    const echo = (sender: string, content: unknown) => ({ sender, type: 'app.volly.echo', content });
    const good = readEvents([echo(`@_volly.bridge:${own}`, { nonce: 'abc', 'org.matrix.msgid': 'x' })], own);
    assert.deepEqual(good, { arrivals: [], refused: [], strangers: 0, echoes: ['abc'] });
    const others = [
      echo('@_volly.bridge:orchid.example', { nonce: 'abc' }),
      echo(`@_volly_alice:${own}`, { nonce: 'abc' }),
      echo(`@_volly.bridge:${own}`, { nonce: 7 }),
      echo(`@_volly.bridge:${own}`, null),
    ];
    assert.deepEqual(readEvents(others, own), { arrivals: [], refused: [], strangers: others.length, echoes: [] });
  });
});
