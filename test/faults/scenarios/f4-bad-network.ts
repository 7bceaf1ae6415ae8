/**
 * F4: a bad network between the servers, 200 ± 50 ms late each way and 5 % of its packets lost, and homeservers that bring what came over it
 * in any order and more than once. It is how things are, no outage: nothing may fail for it. What messages take from app to app is held
 * against raw to-device messages of a candidate's size, sent from the same Synapse to the same at the same time.
 */
import { RawPair } from '../../../bench/b1-raw.ts';
import type { Line } from '../log.ts';
import { now } from '../log.ts';
import type { Scenario } from '../scenario.ts';
import { type HomeserverProxy, type Rule, startHomeserverProxy } from '../tools/homeserver-proxy.ts';
import { type Link, openLink } from '../tools/link.ts';
import type { Relay } from '../tools/relay.ts';

const LATE = { ms: 200, jitterMs: 50 };
const LOSS_PERCENT = 5;
/** About a candidates message, and few enough to change nothing. */
const RAW_BYTES = 1_000;
const RAW_EVERY_MS = 100;
const SECONDS = { short: 20, long: 180 };
const AT_MOST = 1.5;

const RULES: readonly Rule[] = (['duplicate', 'reorder'] as const).map((what) => ({
  of: ['sync'],
  share: 1,
  fault: { do: what },
}));

let link: Link;
let proxies: HomeserverProxy[] = [];
let relays: Relay[] = [];

export const scenario: Scenario = {
  id: 'F4',
  title: `${LATE.ms} ± ${LATE.jitterMs} ms and ${LOSS_PERCENT} % loss between the servers, duplicates and reordering at the bridges`,
  async world({ random, progress }) {
    [proxies, relays] = [[], []];
    link = openLink({ lossPercent: LOSS_PERCENT, install: true });
    progress(link.what);
    const homeserver = async (target: number) => {
      const proxy = await startHomeserverProxy(target, random);
      proxies.push(proxy);
      return proxy;
    };
    const federation = async (port: number, target: number) => {
      const relay = await link.relay(port, target, { ...LATE, random });
      relays.push(relay);
      return relay;
    };
    return { ways: { a: { homeserver, federation }, b: { homeserver, federation } } };
  },
  async run(scene, { form, progress }) {
    await scene.load();
    for (const proxy of proxies) proxy.rules = RULES;
    const { a, b } = scene.world;
    const pair = await RawPair.make(a.synapse, b.synapse);
    const begun = now();
    const raw = await pair
      .oneWay({ bytes: RAW_BYTES, everyMs: RAW_EVERY_MS, count: (SECONDS[form] * 1_000) / RAW_EVERY_MS })
      .finally(() => pair.stop());
    const own = waysOf(await scene.watch.lines(), begun, begun + SECONDS[form] * 1_000);
    const [ownP95, rawP95] = [p95(own), p95(raw)];
    progress(`p95 of ${own.length} messages ${ownP95.toFixed(0)} ms, of ${raw.length} raw ones ${rawP95.toFixed(0)} ms`);
    const bytes = relays.reduce((sum, relay) => sum + relay.bytes.there + relay.bytes.back, 0);
    return {
      bounds: [
        {
          what: `p95 of app to app (${ownP95.toFixed(0)} ms) to raw (${rawP95.toFixed(0)} ms)`,
          value: ownP95 / rawP95,
          atMost: AT_MOST,
          unit: '×',
        },
      ],
      notes: [
        `${own.length} messages and ${raw.length} raw ones in ${SECONDS[form]} s (long form: ${SECONDS.long} s)`,
        link.what,
        `${(bytes / 1e6).toFixed(1)} MB between the servers${link.losesPackets ? `, ${link.lost()} packets lost` : ''}`,
      ],
    };
  },
};

/** ms from when an app of side a handed an envelope to its bridge to when the other app had it first. */
function waysOf(lines: readonly Line[], from: number, to: number): number[] {
  const sent = new Map<string, number>();
  const ways: number[] = [];
  for (const line of lines) {
    const isOurs = line.k === 'send' && line.app.startsWith('a') && line.to.includes('/');
    if (isOurs && from <= line.t && line.t < to) sent.set(line.id, line.t);
    if (line.k !== 'got' || !sent.has(line.id)) continue;
    ways.push(line.t - sent.get(line.id)!);
    sent.delete(line.id);
  }
  return ways;
}

/** NaN of none. */
const p95 = (values: readonly number[]): number =>
  values.toSorted((one, other) => one - other)[Math.ceil(values.length * 0.95) - 1] ?? Number.NaN;
