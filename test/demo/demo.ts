/**
 * `npm run demo`: two communities with a real Synapse and a real bridge each, two people, one call. Tells the way of everything that passes
 * between the servers as it happens, and in the end looks for the call in all that they kept.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import type { RTCDataChannel } from 'werift';
import { type Community, startCommunity } from '../support/community.ts';
import { createAuthority } from '../support/homeserver/certificates.ts';
import {
  asLike,
  connected,
  enrol,
  type Person,
  peerConnection,
  privateKeysOf,
  secretsOf,
  sees,
  within,
} from '../support/people.ts';
import {
  CALL_NEEDLES,
  databaseHaystacks,
  fileHaystacks,
  type Haystack,
  keyNeedles,
  needle,
  PRESENCE_NEEDLES,
  searchAll,
} from '../support/wiretap.ts';
import { called, chapter, elapsed, good, hop, introduce, person, tell, wrong } from './story.ts';
import { Way } from './way.ts';

const HELLO = 'Hello Maple, can you hear me?';
const REPLY = 'Clear as glass, Orchid!';

async function communities(folder: string): Promise<[Community, Community]> {
  chapter('1  Two communities that have never met');
  const authority = createAuthority();
  const way = new Way(hop);
  const progress = (line: string) => tell(line);
  const start = (name: string) =>
    startCommunity({ name, dir: join(folder, name.toLowerCase()), authority, tapped: true, onExchange: way.watch, progress });
  // One after the other where Synapse must be installed first; the second one finds it there.
  const [orchid, maple] = await Promise.all([start('Orchid'), start('Maple')]);
  for (const community of [orchid, maple]) {
    introduce(community.serverName, community.name);
    good(
      `${community.name}: Synapse as ${community.serverName} (process ${community.synapse.pid}), volly-bridge (process ${community.bridgePid})`,
    );
  }
  return [orchid, maple];
}

async function people(orchid: Community, maple: Community): Promise<[Person, Person]> {
  chapter('2  A member each, enrolled by a one-time invite');
  const [alice, bob] = await Promise.all([enrol(orchid, 'alice'), enrol(maple, 'bob')]);
  for (const { client } of [alice, bob])
    person(called(client.member), 'made keys on the device and joined; the community knows only the public ones');
  return [alice, bob];
}

async function presence({ client: alice }: Person, { client: bob }: Person): Promise<void> {
  chapter('3  They ask to see each other, and both agree');
  for (const client of [alice, bob]) {
    client.on('presence-request', (request) => {
      person(called(client.member), `lets ${called(request.from)} see their presence`);
      void request.accept();
    });
    client.on('presence', (member, state) => person(called(client.member), `sees ${called(member)}: ${state}`));
  }
  await Promise.all([alice.presence.set('online'), bob.presence.set('online')]);
  await Promise.all([alice.presence.watch(bob.member), bob.presence.watch(alice.member)]);
  await Promise.all([sees(alice, bob.member, 'online'), sees(bob, alice.member, 'online')]);
}

interface Talk {
  readonly words: readonly string[];
  readonly sdp: string;
}

async function call({ client: alice }: Person, { client: bob }: Person): Promise<Talk> {
  chapter('4  alice calls bob');
  const [pcA, pcB] = [peerConnection(), peerConnection()];
  const channel = pcA.createDataChannel('chat');
  const arrived = Promise.withResolvers<string>();
  const answered = Promise.withResolvers<string>();
  channel.onMessage.subscribe((message) => answered.resolve(message.toString()));
  pcB.onDataChannel.subscribe((theirs: RTCDataChannel) => {
    theirs.onMessage.subscribe((message) => {
      arrived.resolve(message.toString());
      theirs.send(REPLY);
    });
  });
  const rings = bob.once('incoming');
  const began = performance.now();
  const calling = await alice.call(bob.member, { pc: asLike(pcA) });
  calling.on('ringing', () => person(called(alice.member), 'hears it ring'));
  calling.on(
    'state',
    (state) =>
      state === 'active' &&
      person(called(alice.member), `verified the answer, ${(performance.now() - began).toFixed(0)} ms after asking for the call`),
  );
  const [incoming] = await within('bob’s phone rings', rings);
  person(called(bob.member), `is called by ${called(incoming.from)}${incoming.known ? ', a contact' : ''}: accepts`);
  const taken = await incoming.accept({ pc: asLike(pcB) });
  await Promise.all([connected(calling), connected(taken)]);
  good(`the two devices are connected to each other, ${(performance.now() - began).toFixed(0)} ms after asking for the call`);
  await Promise.all([alice.presence.set('busy'), bob.presence.set('busy')]);
  await Promise.all([sees(alice, bob.member, 'busy'), sees(bob, alice.member, 'busy')]);
  channel.send(HELLO);
  person(called(bob.member), `reads: “${await within('the message arrives', arrived.promise)}”`);
  person(called(alice.member), `reads: “${await within('the reply arrives', answered.promise)}”`);
  const secrets = [secretsOf(pcA), secretsOf(pcB)];

  chapter('5  They hang up');
  await calling.hangUp();
  const end = await within('bob’s call ends', taken.whenEnded());
  person(called(bob.member), `sees the call end: ${end.reason}`);
  await Promise.all([alice.presence.set('online'), bob.presence.set('online')]);
  await Promise.all([sees(alice, bob.member, 'online'), sees(bob, alice.member, 'online')]);
  return { words: secrets.flatMap(({ words }) => words), sdp: secrets.map(({ sdp }) => sdp).join('') };
}

function kept(community: Community): Haystack[] {
  const { name, synapse } = community;
  return [
    ...databaseHaystacks(`${name}’s Synapse, database`, synapse.databasePath),
    ...databaseHaystacks(`${name}’s bridge, database`, community.databasePath),
    ...fileHaystacks(`${name}, logs`, community.dir, (file) => file.endsWith('.log')),
    ...community.exchanges.flatMap(({ tap, method, path, request, response }) => [
      { where: `captured at ${tap}: ${method} ${path.split('?')[0]}`, bytes: request },
      { where: `captured at ${tap}: answer to ${method} ${path.split('?')[0]}`, bytes: response },
    ]),
  ];
}

async function search(all: readonly Community[], talk: Talk, persons: readonly Person[]): Promise<boolean> {
  chapter('6  What did the servers see?');
  const privateKeys = (await Promise.all(persons.map(privateKeysOf))).flat();
  const haystacks = all.flatMap(kept);
  const bytes = haystacks.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const needles = [
    ...CALL_NEEDLES,
    ...PRESENCE_NEEDLES,
    ...talk.words.map((word) => needle('a secret of this call’s SDP', word)),
    ...[HELLO, REPLY].map((text) => needle('what they wrote', text)),
    ...privateKeys.flatMap((key) => keyNeedles('a member’s private key', key)),
  ];
  // A search that cannot find would be no proof: the same search, on a leak such as a careless bridge would make.
  const leak = JSON.stringify({ sealed: deflateRawSync(talk.sdp).toString('base64url'), state: 'busy' });
  const control = searchAll([{ where: 'control', bytes: Buffer.from(leak) }], needles);
  const found = searchAll(haystacks, needles);
  tell(
    `searched ${haystacks.length} tables, files and captured bodies, ${(bytes / 1e6).toFixed(1)} MB, base64 decoded and inflated,`,
  );
  tell('for SDP, candidates, fingerprints, ICE credentials, presence states, messages and private keys');
  tell(`(the same search finds ${control.length} kinds of leak in a control that has them)`);
  if (control.length < 4) wrong('the search is blind');
  for (const { where, what } of found) wrong(`${what} in ${where}`);
  if (found.length === 0) good('found: nothing');
  return found.length === 0 && control.length >= 4;
}

async function demo(): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'volly-demo-'));
  let servers: Community[] = [];
  let ok = false;
  try {
    servers = await communities(folder);
    const [orchid, maple] = servers as [Community, Community];
    const persons = await people(orchid, maple);
    await presence(...persons);
    const talk = await call(...persons);
    ok = await search(servers, talk, persons);
    for (const { client } of persons) await client.close();
  } finally {
    await Promise.all(servers.map((community) => community.stop()));
    if (ok) await rm(folder, { recursive: true, force: true });
    else wrong(`logs and databases are in ${folder}`);
  }
  chapter(ok ? `Done in ${elapsed().toFixed(1)} s: called, answered, talked, hung up; no server could read it.` : 'Failed.');
  return ok;
}

process.exitCode = (await demo().catch((error) => console.error(error))) ? 0 : 1;
