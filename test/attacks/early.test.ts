/** Hostile communities against the inbox of a device that is there: hangups for calls that never come. */
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

  async function put(from: string, call: number): Promise<void> {
    const origin = { kind: 'server', server: parseServerName(from.slice(from.indexOf('@') + 1)) } as const;
    await bob.community.junction.route(hangup(from, call), origin).catch(() => {});
  }

  /** Until the device has answered each: the gateway hears 50 frames a second. */
  async function answered(): Promise<void> {
    for (let turn = 0; turn < 1_500; turn++) await house.clock.advance(10);
  }

  async function friendCalls(): Promise<void> {
    const calling = alice.client.call(BOB, { pc: new FakePeerConnection() });
    await house.until('it rings', () => bob.rings === 1);
    await (await calling).hangUp();
    assert.equal(bob.wires.length, 1);
  }

  const staying = async () => (await bob.community.junction.mailbox.waiting(parseDeviceAddress(`${BOB}/PHONE`))).length;

  it('leave room in the inbox of a device that is there: a friend’s call rings', async () => {
    for (const [s, server] of ['evil.example', 'wicked.example'].entries())
      for (let call = 0; call < LIMITS.heldCallsPerServer; call++)
        for (let i = 0; i < LIMITS.heldPerCall; i++) await put(`m${call >> 1}@${server}`, 1 + s * 16 + call);
    await answered();
    // One of each call that its server's share of the inbox let through.
    assert.equal(await staying(), 2 * Math.ceil(LIMITS.inboxPerDeviceOfOrigin / LIMITS.heldPerCall));
    await friendCalls();
  });

  it('also where so many communities send them that the device has no room for more', async () => {
    for (let i = 0; i < LIMITS.heldCalls; i++) await put(`m${i >> 1}@evil${i >> 4}.example`, i + 1);
    await house.clock.advance(2_000);
    for (let i = 0; i < LIMITS.inboxPerDevice; i++) await put(`m${i >> 2}@wicked${i % 2}.example`, 100 + (i % 100));
    await answered();
    assert.equal(await staying(), LIMITS.heldCalls + LIMITS.leftWithBridge);
    await friendCalls();
  });
});
