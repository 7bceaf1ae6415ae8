/** The same calls with real peer connections over loopback: what the SDK asks of one is what werift has, and browsers have. */
import assert from 'node:assert/strict';
import { type RTCDataChannel, RTCPeerConnection } from 'werift';
import type { PeerConnectionLike } from '../../src/client/peer-connection.ts';
import { systemClock } from '../../src/clock.ts';
import { ALICE, BOB, Watcher, World } from './world.ts';

const peerConnection = () => new RTCPeerConnection({ iceServers: [], iceUseIpv6: false });
/** What werift declares more narrowly than it accepts. */
const like = (pc: RTCPeerConnection) => pc as unknown as PeerConnectionLike;

function opened(channel: RTCDataChannel): Promise<void> {
  return new Promise((resolve) => {
    if (channel.readyState === 'open') resolve();
    else channel.addEventListener('open', () => resolve());
  });
}

const nextMessage = (channel: RTCDataChannel): Promise<string> =>
  new Promise((resolve) => channel.addEventListener('message', (event) => resolve(String(event.data))));

describe('calls with real peer connections', () => {
  it('a data channel opens and carries a message both ways; an ICE restart connects anew, under new keys', async () => {
    const world = new World(systemClock);
    const alice = await world.client({ member: ALICE });
    const bob = await world.client({ member: BOB });
    const watchers = [new Watcher(alice), new Watcher(bob)];

    const callerPc = peerConnection();
    const calleePc = peerConnection();
    const here = callerPc.createDataChannel('talk');
    const there = new Promise<RTCDataChannel>((resolve) =>
      calleePc.addEventListener('datachannel', ({ channel }) => resolve(channel)),
    );
    const rings = bob.once('incoming');
    const call = await alice.call(BOB, { pc: like(callerPc) });
    const [incoming] = await rings;
    assert.deepEqual(incoming.media, { audio: false, video: false, data: true });
    const answered = await incoming.accept({ pc: like(calleePc) });
    const other = await there;
    await Promise.all([opened(here), opened(other)]);

    const talk = async (greeting: string) => {
      const [heard, replied] = [nextMessage(other), nextMessage(here)];
      here.send(greeting);
      assert.equal(await heard, greeting);
      other.send(`${greeting} too`);
      assert.equal(await replied, `${greeting} too`);
    };
    await talk('hello');
    assert.deepEqual([call.state, answered.state, callerPc.connectionState], ['active', 'active', 'connected']);

    await call.restartIce();
    const again = () => [callerPc, calleePc].every(({ iceConnectionState: state }) => /^(connected|completed)$/.test(state));
    while (answered.epoch < 2 || call.epoch < 2 || !again()) await new Promise((resolve) => setTimeout(resolve, 20));
    // werift carries no data after an ICE restart, with or without this SDK (media.ts): the calls themselves go on.
    assert.deepEqual([call.state, answered.state], ['active', 'active']);

    const ended = answered.whenEnded();
    await call.hangUp();
    assert.deepEqual(await ended, { reason: 'hangup', by: 'remote' });
    assert.deepEqual(
      watchers.flatMap(({ faults }) => faults),
      [],
    );
    await world.close();
  });
});
