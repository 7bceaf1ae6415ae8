/** S7: a legacy app and an app of the SDK call each other across two real communities, and the call is marked as what it is. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RTCDataChannel } from 'werift';
import { type Community, startCommunity } from '../support/community.ts';
import { createAuthority } from '../support/homeserver/certificates.ts';
import { LegacyApp } from '../support/legacy-app.ts';
import { asLike, connected, enrol, type Person, peerConnection, within } from '../support/people.ts';

const opened = (channel: RTCDataChannel): Promise<void> =>
  within('the channel opens', new Promise((resolve) => channel.addEventListener('open', () => resolve())));

const message = (channel: RTCDataChannel): Promise<string> =>
  within('a message passes', new Promise((resolve) => channel.onMessage.once((text) => resolve(text.toString()))));

describe('A legacy app and an enhanced one in another community', () => {
  let folder: string;
  let orchid: Community;
  let maple: Community;
  let bob: Person;
  let credential: string;
  let olga: LegacyApp;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'volly-legacy-'));
    const authority = createAuthority();
    const start = (name: string, gateway: Record<string, unknown> = {}) =>
      startCommunity({ name, dir: join(folder, name), authority, gateway });
    [orchid, maple] = await Promise.all([start('orchid', { legacy: true }), start('maple')]);
    credential = (await orchid.command('member', 'legacy', 'olga')).trim();
    bob = await enrol(maple, 'bob');
    olga = await LegacyApp.connect(orchid, 'olga', credential);
  });

  after(async () => {
    await olga?.close();
    await bob?.client.close();
    await Promise.all([orchid?.stop(), maple?.stop()]);
    await rm(folder, { recursive: true, force: true });
  });

  /** Bob allows a call that is not end to end. */
  async function bobCalls() {
    const pc = peerConnection();
    const channel = pc.createDataChannel('talk');
    const rang = olga.heard('offer');
    const call = await bob.client.call(olga.member, { pc: asLike(pc), allowLegacy: true });
    return { call, channel, offer: await rang };
  }

  it('the legacy app calls: marked as not end to end, media connect, the legacy app hangs up', async () => {
    const rings = bob.client.once('incoming');
    const calling = olga.call(bob.client.member);
    const [incoming] = await within('bob rings', rings);
    assert.deepEqual([incoming.from, incoming.device, incoming.endToEnd], [olga.member, `${olga.member}/LEGACY`, false]);
    const pc = peerConnection();
    const heard = new Promise<RTCDataChannel>((resolve) => pc.onDataChannel.once(resolve));
    const call = await incoming.accept({ pc: asLike(pc) });
    assert.equal(call.endToEnd, false);
    assert.doesNotMatch(pc.remoteDescription?.sdp ?? '', /a=candidate/);
    const channel = await calling;
    await Promise.all([connected(call), opened(channel)]);
    const there = message(await within('the channel arrives', heard));
    channel.send('hello');
    assert.equal(await there, 'hello');
    const ended = call.whenEnded();
    olga.hangUp(bob.client.member);
    assert.deepEqual(await within('bob hears the end', ended), { reason: 'hangup', by: 'remote' });
  });

  it('the enhanced app calls: only where it allows legacy peers, marked, and hangs up', async () => {
    await assert.rejects(bob.client.call(olga.member, { pc: asLike(peerConnection()) }), { code: 'not_end_to_end' });
    const { call, channel, offer } = await bobCalls();
    assert.equal(call.endToEnd, false);
    assert.equal(offer.from, bob.client.member);
    assert.doesNotMatch(offer.sdp, /a=candidate/);
    await olga.answer(offer);
    await Promise.all([connected(call), opened(channel)]);
    await call.hangUp();
    assert.deepEqual([(await olga.heard('hangup')).reason], ['hangup']);
  });

  it('the legacy app declines', async () => {
    const { call } = await bobCalls();
    const ended = call.whenEnded();
    olga.hangUp(bob.client.member, 'busy');
    assert.deepEqual(await within('bob hears', ended), { reason: 'busy', by: 'remote' });
  });

  it('after a crash of its bridge the legacy app hears that the call is over, and is called again', async () => {
    const { call, offer } = await bobCalls();
    await olga.answer(offer);
    if (call.state !== 'active') await within('the call begins', call.once('state'));
    await orchid.stopBridge('SIGKILL');
    await orchid.startBridge();
    await olga.close();
    olga = await LegacyApp.connect(orchid, 'olga', credential);
    const { from, reason } = await olga.heard('hangup');
    assert.deepEqual([from, reason], [bob.client.member, 'server_restarted']);
    await call.hangUp();
    const again = await bobCalls();
    await again.call.hangUp();
    assert.equal((await olga.heard('hangup')).reason, 'hangup');
  });

  it('a community that has not switched it on has no legacy members', async () => {
    await assert.rejects(maple.command('member', 'legacy', 'leo'), /legacy_disabled/);
    await assert.rejects(LegacyApp.connect(maple, 'leo', credential), /404/);
    await assert.rejects(orchid.command('member', 'legacy', 'Leo'), /bad_request/);
  });
});
