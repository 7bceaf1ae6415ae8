/**
 * What lies between two servers' federation ports: a network that loses packets where the machine lets us make one (root, `ip`, `nft`),
 * loopback alone where it does not. Servers keep their loopback addresses: a relay at each end.
 */
import { execFileSync } from 'node:child_process';
import type { Server } from 'node:net';
import { Network } from './namespaces.ts';
import { type Delay, type Relay, startRelay } from './relay.ts';

export interface Link {
  /** One line for the run to print. */
  readonly what: string;
  readonly losesPackets: boolean;
  /** To `target` on loopback, by the link, from `port` on loopback (0 = any). When the last relay has stopped, the link is gone. */
  relay(port: number, target: number, delay?: Delay): Promise<Relay>;
  setLoss(percent: number): void;
  /** Packets lost since the loss was set. */
  lost(): number;
  /** For a link without relays. */
  stop(): void;
}

export interface LinkOptions {
  readonly lossPercent: number;
  /** Where `nft` is missing: have Debian's package installed, which may take a minute. */
  readonly install?: boolean;
}

export function openLink({ lossPercent, install = false }: LinkOptions): Link {
  const why = missing(install);
  if (why !== undefined) return loopback(why);
  try {
    return throughNamespaces(Network.make(lossPercent), lossPercent);
  } catch (error) {
    return loopback(String((error as { stderr?: unknown }).stderr || error).split('\n')[0] ?? '');
  }
}

function throughNamespaces(network: Network, lossPercent: number): Link {
  let relays = 0;
  return {
    what: `network namespaces; nftables drops ${lossPercent} % of packets each way`,
    losesPackets: true,
    async relay(port, target, delay) {
      const server = Object.assign<Server, object>(await network.listen(), { allowHalfOpen: true });
      const far = await startRelay({ server, target: { port: target } });
      const near = await startRelay({ port, target: { host: network.host, port: far.port }, ...(delay ? { delay } : {}) });
      const stopNear = near.stop;
      relays++;
      return Object.assign(near, {
        async stop() {
          await stopNear();
          await far.stop();
          if (--relays === 0) network.stop();
        },
      });
    },
    setLoss: (percent) => network.setLoss(percent),
    lost: () => network.dropped(),
    stop: () => network.stop(),
  };
}

const loopback = (why: string): Link => ({
  what: `loopback alone, no packet is lost (${why})`,
  losesPackets: false,
  relay: (port, target, delay) => startRelay({ port, target: { port: target }, ...(delay ? { delay } : {}) }),
  setLoss: () => {},
  lost: () => 0,
  stop: () => {},
});

/** Undefined when nothing is. */
function missing(install: boolean): string | undefined {
  if (process.platform !== 'linux') return 'not Linux';
  if (process.getuid?.() !== 0) return 'not root';
  if (!works('ip', '-V')) return 'no `ip`';
  if (works('nft', '--version')) return undefined;
  if (install) works('apt-get', 'install', '-y', '-qq', '--no-install-recommends', 'nftables');
  return install && works('nft', '--version') ? undefined : 'no `nft`';
}

function works(file: string, ...args: readonly string[]): boolean {
  try {
    execFileSync(file, args, { stdio: 'ignore', timeout: 120_000 });
    return true;
  } catch {
    return false;
  }
}

/** What a run on this machine uses. */
export function describeLink(): string {
  const link = openLink({ lossPercent: 5, install: true });
  link.stop();
  return link.what;
}
