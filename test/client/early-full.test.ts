/** What came too early and finds no room stays with the bridge. PROTOCOL.md section 11, "Arriving early". */
import assert from 'node:assert/strict';
import { callIdFromBytes, newEnvelopeId, parseDeviceAddress } from '../../src/ids.ts';
import { LIMITS } from '../../src/limits.ts';
import { EarlyMessages } from '../../src/party/early.ts';
import type { CallEnvelope } from '../../src/party/open.ts';
import { ManualClock, seededRandom } from '../support/clock.ts';

const random = seededRandom(17);

describe('the table of early messages', () => {
  const refused = () => assert.fail('nothing is opened');

  it('acknowledges nothing for which it has no room, and has room again when what it holds is dropped', async () => {
    const clock = new ManualClock();
    const early = new EarlyMessages({ clock, refused });
    let taken = 0;
    const hold = (call: number) => {
      const from = parseDeviceAddress(`member${call}@server${Math.floor(call / LIMITS.heldCallsPerServer)}.example/PHONE`);
      const envelope = { id: newEnvelopeId(random), type: 'app.volly.call.candidates', from } as CallEnvelope;
      return early.hold(callIdFromBytes(new Uint8Array(16).fill(call)), { envelope, taken: () => taken++ }, false);
    };
    for (let call = 0; call < LIMITS.heldCalls; call++) assert.equal(hold(call), 'done');
    assert.equal(hold(LIMITS.heldCalls), 'keep');
    await clock.advance(LIMITS.heldMs);
    assert.equal(hold(LIMITS.heldCalls), 'done');
    assert.equal(taken, 0);
  });
});
