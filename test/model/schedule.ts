/** What happens in one schedule: drawn whole from its seed, before anything runs. */
import type { EnvelopeType } from '../../src/protocol/envelope.ts';
import { Draw } from './draw.ts';

/** Shares, 0 to 1, of what meets the fault. */
export interface Rates {
  /** Between two homeservers. */
  drop: number;
  duplicate: number;
  /** From, to: events of different delays overtake each other. */
  delayMs: readonly [number, number];
  /** Of what a homeserver sends into a cut, or to a homeserver that is down: lost; the rest comes when it is over. */
  lostInCut: number;
  /** Requests of a bridge to its homeserver: done and the answer lost; refused with 502, 429 or 4xx; never answered; answered, and nothing left. */
  lose: number;
  refuse: number;
  hang: number;
  ghost: number;
  /** Answers of /sync: cut short; an earlier one again. */
  cutShort: number;
  repeat: number;
  /** Commits and reads that fail. */
  failing: number;
  commitMs: readonly [number, number];
  /** Commits that are the last thing a bridge does: durable, and nobody there hears of it. */
  killing: number;
  /** What an app does with an envelope: opens it and says so; else it refuses it, or its connection breaks first. */
  refuses: number;
  breaks: number;
}

export const CALM: Rates = {
  drop: 0,
  duplicate: 0,
  delayMs: [5, 30],
  lostInCut: 0,
  lose: 0,
  refuse: 0,
  hang: 0,
  ghost: 0,
  cutShort: 0,
  repeat: 0,
  failing: 0,
  commitMs: [1, 3],
  killing: 0,
  refuses: 0,
  breaks: 0,
};

export type Act =
  | { readonly kind: 'send'; readonly from: number; readonly to: number; readonly type: EnvelopeType; readonly lifeMs: number }
  | { readonly kind: 'away'; readonly device: number; readonly ms: number }
  | { readonly kind: 'crash' | 'stop'; readonly server: number; readonly ms: number }
  | { readonly kind: 'backup'; readonly server: number }
  | { readonly kind: 'homeserver'; readonly server: number; readonly ms: number; readonly restored: boolean }
  | { readonly kind: 'cut'; readonly from: number; readonly to: number; readonly ms: number }
  | { readonly kind: 'jump'; readonly server: number; readonly ms: number }
  | { readonly kind: 'disk'; readonly server: number; readonly ms: number };

export interface Schedule {
  readonly seed: number;
  readonly servers: number;
  readonly devicesPerServer: number;
  /** Bridges have a second carrier, beside their homeservers. */
  readonly linked: boolean;
  /** How far each server's clock is ahead at the start. */
  readonly skews: readonly number[];
  readonly rates: Rates;
  /** No fault after it. */
  readonly calmAt: number;
  readonly acts: readonly (Act & { readonly at: number })[];
}

/** Apps go on for a while when the faults are over. */
const AFTER_MS = 3_000;
/** Addressed beside the devices there are: a device and a member that do not exist. */
export const NOBODY = 2;

const TYPES: readonly EnvelopeType[] = [
  ...(['call.offer', 'call.offer', 'call.answer', 'call.candidates', 'call.ringing', 'call.select_answer'] as const),
  ...(['call.negotiate', 'call.reject', 'call.hangup', 'call.heartbeat', 'presence'] as const),
  ...(['presence.subscribe', 'presence.grant', 'keys.query'] as const),
].map((name) => `app.volly.${name}` as const);

export function schedule(seed: number): Schedule {
  const draw = new Draw(seed);
  const servers = draw.is(0.25) ? 3 : 2;
  const devicesPerServer = draw.is(0.3) ? 2 : 1;
  const devices = servers * devicesPerServer;
  // Now and then outages longer than any envelope of a call lives.
  const long = draw.is(0.03);
  const calmAt = long ? draw.between(100_000, 300_000) : draw.between(5_000, 40_000);
  const acts: (Act & { at: number })[] = [];
  const some = (most: number, act: () => Act): void => {
    for (let n = draw.few(most); n > 0; n--) {
      const at = draw.between(0, calmAt);
      const one = act();
      // Over when calm begins.
      acts.push('ms' in one && one.kind !== 'jump' ? { ...one, at, ms: Math.min(one.ms, calmAt - at) } : { ...one, at });
    }
  };
  const server = (): number => draw.between(0, servers - 1);
  const outage = (): number => {
    if (draw.is(0.7)) return draw.between(50, 4_000);
    return long ? draw.between(60_000, 250_000) : draw.between(4_000, 25_000);
  };
  const skewed = draw.is(0.5) ? 8_000 : 0;

  sends(draw, devices, calmAt, acts);
  some(8, () => ({ kind: 'away', device: draw.between(0, devices - 1), ms: outage() }));
  some(6, () => ({ kind: draw.is(0.75) ? 'crash' : 'stop', server: server(), ms: outage() }));
  some(3, () => ({ kind: 'backup', server: server() }));
  some(4, () => ({ kind: 'homeserver', server: server(), ms: outage(), restored: draw.is(0.4) }));
  some(4, () => ({ kind: 'cut', from: server(), to: server(), ms: outage() }));
  some(2, () => ({ kind: 'disk', server: server(), ms: draw.between(100, 3_000) }));
  if (skewed > 0) some(3, () => ({ kind: 'jump', server: server(), ms: draw.between(-skewed, skewed) }));
  acts.sort((a, b) => a.at - b.at);
  const skews = Array.from({ length: servers }, () => draw.between(-skewed, skewed));
  return { seed, servers, devicesPerServer, linked: draw.is(0.15), skews, rates: rates(draw), calmAt, acts };
}

function sends(draw: Draw, devices: number, calmAt: number, acts: (Act & { at: number })[]): void {
  const send = (at: number, from: number, to: number): void => {
    const type = draw.one(TYPES);
    const longest = type === 'app.volly.call.offer' ? 60_000 : type === 'app.volly.keys.query' ? 10_000 : 30_000;
    acts.push({
      kind: 'send',
      at,
      from,
      to,
      type,
      lifeMs: draw.is(0.5) ? draw.between(500, 6_000) : draw.between(6_000, longest),
    });
  };
  for (let n = 2 + draw.few(38); n > 0; n--) {
    const to = draw.is(0.06) ? devices + draw.between(0, NOBODY - 1) : draw.between(0, devices - 1);
    send(draw.between(0, calmAt + AFTER_MS), draw.between(0, devices - 1), to);
  }
  // Now and then more at once than may wait for one device.
  if (!draw.is(0.05)) return;
  const [at, from, to] = [draw.between(0, calmAt), draw.between(0, devices - 1), draw.between(0, devices - 1)];
  acts.push({ kind: 'away', at: Math.max(0, at - 500), device: to, ms: 6_000 });
  for (let n = 0; n < 120; n++) send(at + n, from, to);
}

const rates = (draw: Draw): Rates => ({
  drop: draw.sometimes(0.5, 0.5),
  duplicate: draw.sometimes(0.5, 0.4),
  delayMs: draw.is(0.5) ? [5, 30] : [5, draw.between(50, 3_000)],
  lostInCut: draw.is(0.5) ? 1 : draw.chance(),
  lose: draw.sometimes(0.4, 0.3),
  refuse: draw.sometimes(0.3, 0.3),
  hang: draw.sometimes(0.2, 0.1),
  ghost: draw.sometimes(0.3, 0.3),
  cutShort: draw.sometimes(0.3, 0.3),
  repeat: draw.sometimes(0.3, 0.3),
  failing: draw.sometimes(0.3, 0.1),
  commitMs: draw.is(0.7) ? [1, 5] : [1, draw.between(20, 400)],
  killing: draw.sometimes(0.4, 0.04),
  refuses: draw.sometimes(0.3, 0.3),
  breaks: draw.sometimes(0.3, 0.3),
});
