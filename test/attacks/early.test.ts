/** Two hostile communities against the inbox of a device that is there: hangups for calls that never come. */
import assert from 'node:assert/strict';
import {
  callIdFromBytes,
  newEnvelopeId,
  parseDeviceAddress,
  parseDeviceId,
  parseMemberId,
  parseServerName,
} from '../../src/ids.ts';
import { LIMITS } from '../../src/limits.ts';
import type { EnvelopeOf } from '../../src/protocol/envelope.ts';
import { encodeHeader } from '../../src/protocol/header.ts';
import { type App, House } from '../client/house.ts';
import { ALICE, BOB } from '../client/world.ts';
import { seededRandom } from '../support/clock.ts';
import { FakePeerConnection } from '../support/fake-pc.ts';

const random = seededRandom(11);
const PHONE = parseDeviceId('PHONE');

describe('attacks with hangups before their offer', () => {
  let house: House;
  let alice: App;
  let bob: App;

  beforeEach(async () => {
    house = new House();
    [alice, bob] = [await house.app(ALICE), await house.app(BOB)];
  });

  /** Of a call that nobody makes; nothing of it verifies. */
  function hangup(from: string, call: number): EnvelopeOf<'app.volly.call.hangup'> {
    const type = 'app.volly.call.hangup';
    const hash = random(32);
    const party = (member: string) => ({
      ...{ member: parseMemberId(member), device: PHONE, uikHash: hash, listVersion: 1, dikHash: hash },
    });
    const callId = callIdFromBytes(new Uint8Array(16).fill(call));
    const times = { sentTs: house.clock.now(), lifetime: LIMITS.hangupLifeMs };
    const header = encodeHeader({ type, direction: 0, callId, from: party(from), to: party(BOB), epoch: 0, seq: 0, ...times });
    return {
      ...{ id: newEnvelopeId(random), type, from: parseDeviceAddress(`${from}/PHONE`), to: parseDeviceAddress(`${BOB}/PHONE`) },
      ...{ expires: house.clock.now() + LIMITS.hangupLifeMs, header: header.bytes, sealed: random(64) },
    };
  }

  async function flood(): Promise<void> {
    for (const [s, server] of ['evil.example', 'wicked.example'].entries())
      for (let member = 0; member < 8; member++)
        for (let call = 0; call < 2; call++)
          for (let i = 0; i < LIMITS.heldPerCall; i++) {
            const envelope = hangup(`m${member}@${server}`, 1 + s * 16 + member * 2 + call);
            const origin = { kind: 'server', server: parseServerName(server) } as const;
            await bob.community.junction.route(envelope, origin).catch(() => {});
          }
    // Until the device has answered each: the gateway hears 50 a second.
    for (let turn = 0; turn < 1_500; turn++) await house.clock.advance(10);
  }

  it('leave room in the inbox of a device that is there: a friend’s call rings', async () => {
    await flood();
    const waiting = await bob.community.junction.mailbox.waiting(parseDeviceAddress(`${BOB}/PHONE`));
    assert.ok(waiting.length <= 2 * LIMITS.heldCallsPerServer, `${waiting.length} stay`);
    const calling = alice.client.call(BOB, { pc: new FakePeerConnection() });
    await house.until('it rings', () => bob.rings === 1);
    await (await calling).hangUp();
    assert.equal(bob.wires.length, 1);
  });
});
