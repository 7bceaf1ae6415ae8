/**
 * B1: how much longer a call takes to be set up than the two to-device messages that carry it. From the offer's leaving the caller's app
 * to the answer being verified there: two gateways, two bridges with their commits, two Synapses, all the crypto, `ringing` on the same
 * way; against the bare round trip of events of these sizes on the same Synapses. Call and bare round trip take turns, with a pause
 * after each, in which acknowledgements and the hang-up settle: people do not call each other without pause.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { encodeEnvelope } from '../src/protocol/envelope.ts';
import { type Community, startCommunity } from '../test/support/community.ts';
import { createAuthority } from '../test/support/homeserver/certificates.ts';
import { Pair } from './b1-apps.ts';
import { RawPair } from './b1-raw.ts';
import { type Progress, quantile, type Row } from './rows.ts';

const CALLS_A_ROUND = 40;
const PAUSE_MS = 150;
/** A callee's app takes 64 calls of one caller in five minutes and 30 in one: callers take turns. */
const PAIRS = 8;

interface Times {
  readonly ours: number[];
  readonly raw: number[];
}

async function measure(pairs: readonly Pair[], raw: RawPair, rounds: number, progress: Progress): Promise<Times> {
  const times: Times = { ours: [], raw: [] };
  // Once each, not counted: connections are opened, code is compiled, and from the second call on offers need no identity.
  for (const pair of [...pairs, ...pairs]) await pair.call();
  const sizes = { offer: bytesOf(pairs, 'caller', 'offer'), answer: bytesOf(pairs, 'callee', 'answer') };
  for (const _ of pairs) await raw.roundTrip(sizes);
  for (let round = 0; round < rounds; round++) {
    for (let call = 0; call < CALLS_A_ROUND; call++) {
      const pair = pairs[(round * CALLS_A_ROUND + call) % pairs.length] as Pair;
      times.ours.push(await pair.call());
      await sleep(PAUSE_MS);
      times.raw.push(await raw.roundTrip(sizes));
      await sleep(PAUSE_MS);
    }
    const of = (side: number[]) => quantile(side.slice(-CALLS_A_ROUND), 0.5).toFixed(1);
    progress(`B1 round ${round + 1} of ${rounds}: p50 ${of(times.ours)} ms, raw ${of(times.raw)} ms`);
  }
  progress(`B1 offer ${sizes.offer} bytes, answer ${sizes.answer} bytes`);
  return times;
}

function bytesOf(pairs: readonly Pair[], side: 'caller' | 'callee', type: 'offer' | 'answer'): number {
  const sent = pairs[0]?.[side].sent.get(`app.volly.call.${type}`);
  if (!sent) throw new Error(`no ${type} was sent`);
  return encodeEnvelope(sent.envelope).length;
}

function rowOf({ ours, raw }: Times, q: number, target: number, rounds: number): Row {
  const [a, b] = [quantile(ours, q), quantile(raw, q)];
  return {
    id: 'B1',
    measure: `call set-up ÷ raw to-device round trip, p${q * 100}`,
    value: a / b,
    target,
    better: 'lower',
    rounds,
    note: `${a.toFixed(1)} ms against ${b.toFixed(1)} ms, ${ours.length} calls`,
  };
}

export async function run(wanted: number, progress: Progress = () => {}): Promise<Row[]> {
  const rounds = Math.max(wanted, 5);
  const folder = await mkdtemp(join(tmpdir(), 'volly-bench-'));
  const communities: Community[] = [];
  try {
    progress('B1 starts two Synapses and two bridges');
    const authority = createAuthority();
    for (const name of ['orchid', 'maple'])
      communities.push(await startCommunity({ name, dir: join(folder, name), authority, progress }));
    const [orchid, maple] = communities as [Community, Community];
    const pairs: Pair[] = [];
    for (let number = 0; number < PAIRS; number++) pairs.push(await Pair.make(orchid, maple, number));
    const raw = await RawPair.make(orchid.synapse, maple.synapse);
    const times = await measure(pairs, raw, rounds, progress);
    for (const pair of pairs) await pair.close();
    await raw.stop();
    return [rowOf(times, 0.5, 1.15, rounds), rowOf(times, 0.95, 1.25, rounds)];
  } finally {
    await Promise.all(communities.map((community) => community.stop()));
    await rm(folder, { recursive: true, force: true });
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) console.table(await run(5, console.error));
