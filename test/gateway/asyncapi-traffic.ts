/** Real traffic of every kind: SDK and gateway with all between them but a homeserver, and legacy apps with the adapter. */
import assert from 'node:assert/strict';
import { VollyError } from '../../src/errors.ts';
import { LIMITS } from '../../src/limits.ts';
import { type App, House } from '../client/house.ts';
import { BOB, Watcher } from '../client/world.ts';
import { FakePeerConnection } from '../support/fake-pc.ts';
import type { Way } from './asyncapi-check.ts';
import { LegacyWorld, OLGA } from './legacy-world.ts';
import type { Wire } from './wire.ts';
import { World } from './world.ts';

/** What waits for the other community comes with time. */
async function within<T>(house: House, work: Promise<T>): Promise<T> {
  let over = false;
  const done = () => {
    over = true;
  };
  work.then(done, done);
  await house.until('it is done', () => over, 60_000);
  return work;
}

/** Two members enrol, see each other, call, and one is away; one connects anew by its ticket and stays for more than an hour. */
export async function calls(): Promise<Wire[]> {
  const house = new House();
  const alice = await house.app('alice@orchid.example');
  const bob = await house.app('bob@maple.example');
  await befriend(house, alice, bob);
  await talk(house, alice, bob);

  alice.client.reconnect();
  await house.until('alice resumes', () => alice.wires.length === 2 && alice.client.connection.kind === 'online');
  const refused = await within(house, alice.client.call(bob.member, { pc: new FakePeerConnection() }));
  await house.until('bob rings', () => bob.rings === 2);
  await within(house, bob.watcher.ringing.reject());
  await house.until('the call is over', () => refused.end !== undefined);
  await house.clock.advance(LIMITS.keyLifeMs + LIMITS.pingMs);

  bob.kill();
  const missed = await within(house, alice.client.call(bob.member, { pc: new FakePeerConnection() }));
  await house.until('nobody answers', () => missed.end !== undefined, 200_000);
  await house.clock.advance(LIMITS.hangupLifeMs);
  await within(house, alice.client.close());
  return [...alice.wires, ...bob.wires];
}

async function befriend(house: House, alice: App, bob: App): Promise<void> {
  const asked = bob.client.once('presence-request');
  await within(house, alice.client.presence.watch(bob.member));
  const [request] = await within(house, asked);
  await within(house, request.accept());
  await within(house, bob.client.presence.set('online'));
  await house.until('alice sees bob', () => alice.client.presence.of(bob.member) === 'online');
}

async function talk(house: House, alice: App, bob: App): Promise<void> {
  const pcs = [new FakePeerConnection(), new FakePeerConnection()] as const;
  const call = await within(house, alice.client.call(bob.member, { pc: pcs[0] }));
  await house.until('bob rings', () => bob.rings === 1);
  const answered = await within(house, bob.watcher.ringing.accept({ pc: pcs[1] }));
  await house.until('they talk', () => call.state === 'active');
  for (const pc of pcs) pc.findCandidates(1);
  await house.clock.advance(LIMITS.candidateBatchMs);
  await within(house, call.restartIce());
  await house.until('new keys', () => call.epoch === 2 && answered.epoch === 2);
  for (const pc of pcs) pc.connect();
  await house.clock.advance(LIMITS.heartbeatMs);
  await within(house, call.hangUp());
  await house.until('both are done', () => answered.end !== undefined);
}

/** What one gateway and its devices say at the edges: refusals, another list, a second connection, a bad invite, noise. */
export async function edges(): Promise<Wire[]> {
  const world = new World();
  const { app, user, device } = await world.enrolled();
  const takes: (() => void)[] = [];
  app.open = async (_, taken) => {
    takes.push(taken);
    throw new VollyError('overloaded');
  };
  world.deliver(device.address, world.envelope(device.address, device.address));
  await world.until(() => takes.length === 1);
  await world.clock.advance(10);
  takes[0]?.();
  await assert.rejects(app.connection.publish(Uint8Array.of(0x80)), { code: 'bad_encoding' });
  await app.connection.publish(device.bundle(1, world.clock.now()));

  const laptop = world.app(user.add('LAPTOP', world.clock.now()));
  laptop.connection.connect();
  await world.until(() => app.events.some((event) => event.startsWith('list')));
  laptop.connection.close();
  const again = world.app(device);
  again.connection.connect();
  await world.until(() => app.connection.state.kind === 'closed');

  const stranger = world.app(world.user('mallory').add('PHONE', world.clock.now()), { token: world.random(16) });
  stranger.connection.connect();
  await world.until(() => stranger.connection.state.kind === 'closed');
  const noise = world.wire();
  await world.until(() => true);
  noise.inject(Uint8Array.of(0x81, 0x09));
  await world.until(() => noise.closedWith !== undefined);
  return [app, laptop, again, stranger].flatMap(({ wires }) => wires).concat(noise);
}

export interface Said {
  readonly way: Way;
  readonly value: unknown;
}

/** A legacy app calls, and is called. */
export async function legacyCalls(): Promise<Said[]> {
  const world = new LegacyWorld();
  const bob = await world.client({ member: BOB });
  const watcher = new Watcher(bob);
  const { app } = await world.member(OLGA);
  const said: Said[] = [];
  const say = (value: object) => {
    said.push({ way: 'up', value });
    app.say(value);
  };
  await world.settle();
  const pc = new FakePeerConnection();
  say({ type: 'offer', to: BOB, sdp: (await pc.createOffer()).sdp });
  say({ type: 'candidate', to: BOB, candidate: { candidate: `candidate:1 1 udp 2122260223 192.0.2.1 50000 typ host ufrag ${pc.ufrag}`, sdpMid: '0', sdpMLineIndex: 0, usernameFragment: pc.ufrag } }); // biome-ignore format: one line
  say({ type: 'candidate', to: BOB, candidate: null });
  await world.settle();
  const bobPc = new FakePeerConnection();
  const answered = await watcher.ringing.accept({ pc: bobPc });
  bobPc.findCandidates(1);
  bobPc.endCandidates();
  await world.advance(1_000);
  await answered.hangUp();
  await world.settle();

  const calling = await bob.call(OLGA, { pc: new FakePeerConnection(), allowLegacy: true });
  await world.settle();
  const answerer = new FakePeerConnection();
  await answerer.setRemoteDescription({ type: 'offer', sdp: app.last('offer').sdp as string });
  say({ type: 'answer', to: BOB, sdp: (await answerer.createAnswer()).sdp });
  await world.settle();
  assert.equal(calling.state, 'active');
  say({ type: 'hangup', to: BOB });
  await world.settle();
  await world.close();
  return [...said, ...app.frames.map((value) => ({ way: 'down' as const, value }))];
}
