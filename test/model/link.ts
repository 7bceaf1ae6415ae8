/** A second carrier, tried before the homeserver: straight from bridge to bridge, where nothing is kept on the way. It is often not there. */
import { VollyError } from '../../src/errors.ts';
import type { ServerName } from '../../src/ids.ts';
import { LIMITS } from '../../src/limits.ts';
import { decodeEnvelope } from '../../src/protocol/envelope.ts';
import type { Carrier } from '../../src/routing/ports.ts';
import type { Door } from './apps.ts';
import type { Draw } from './draw.ts';
import type { Rates } from './schedule.ts';
import { never, type Process, type SimulatedTime } from './time.ts';

/** Share of requests that find no way. */
const ABSENT = 0.5;

export interface LinkOptions {
  readonly own: ServerName;
  readonly process: Process;
  readonly time: SimulatedTime;
  readonly draw: Draw;
  readonly rates: Rates;
  /** Of the peer's bridge, while it runs. */
  readonly doorOf: (peer: ServerName) => Door | undefined;
}

export function link({ own, process, time, draw, rates, doorOf }: LinkOptions): Carrier {
  const arrive = (peer: ServerName, encoded: readonly string[]): void => {
    // What is refused is not acknowledged, and comes again.
    for (const text of encoded)
      doorOf(peer)
        ?.route.route(decodeEnvelope(text), { kind: 'server', server: own })
        .catch(() => {});
  };
  return {
    name: 'link',
    timeoutMs: LIMITS.carrierMs,
    async send(peer, _, encoded) {
      await time.sleep(draw.between(1, 20));
      if (!process.alive) return never();
      if (draw.is(ABSENT) || !doorOf(peer)) throw new VollyError('peer_unreachable', 'link');
      for (let copies = draw.is(rates.duplicate) ? 2 : 1; copies > 0; copies--)
        if (!draw.is(rates.drop)) time.after(draw.between(...rates.delayMs), () => arrive(peer, encoded));
      if (draw.is(rates.lose)) throw new VollyError('timed_out', 'link');
    },
    wake: async (peer) => doorOf(peer) !== undefined,
  };
}
