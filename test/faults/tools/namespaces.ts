/**
 * A network of our own on this machine, as root: we, a router in a namespace, and a far end in another. The router drops packets at random
 * both ways (nftables), which is what a lossy network does to TCP; a drop at either end would only tell its sender that it is busy.
 *
 *     we ──near─▸ router ──▸ far end
 *
 * Names hold our process id. What a killed process left is removed by the next one that makes a network.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import type { Server } from 'node:net';

const LISTEN = new URL('listen.ts', import.meta.url).pathname;
/** Set aside for tests of networks (RFC 2544); each network takes eight addresses of it. */
const BLOCKS = 16_384;
const COMMAND_MS = 20_000;

const run = (file: string, args: readonly string[], input = ''): string =>
  execFileSync(file, args, { input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'], timeout: COMMAND_MS });
const ip = (...lines: readonly string[]): string => run('ip', ['-batch', '-'], `${lines.join('\n')}\n`);
const inside = (namespace: string, ...command: readonly string[]) => ['netns', 'exec', namespace, ...command];

interface Names {
  readonly near: string;
  readonly router: string;
  readonly far: string;
}
const namesOf = (pid: number, number: number): Names => {
  const [near, router, far] = ['n', 'r', 'f'].map((part) => `volly${pid}${part}${number}`) as [string, string, string];
  return { near, router, far };
};

/** What this process has not removed yet. */
const made = new Set<Names>();
let count = 0;
process.once('exit', () => {
  for (const names of made) remove(names);
});

export class Network {
  readonly #names: Names;
  /** Of the far end. */
  readonly host: string;

  private constructor(names: Names, host: string) {
    this.#names = names;
    this.host = host;
  }

  /** Throws where the machine does not allow it. */
  static make(lossPercent: number): Network {
    removeLeftovers();
    const names = namesOf(process.pid, ++count);
    made.add(names);
    try {
      const host = build(names);
      const network = new Network(names, host);
      network.setLoss(lossPercent);
      return network;
    } catch (error) {
      made.delete(names);
      remove(names);
      throw error;
    }
  }

  setLoss(percent: number): void {
    const rule = `numgen random mod 1000 < ${Math.round(percent * 10)} counter drop`;
    const chain = `chain forward {\n type filter hook forward priority 0\n ${rule}\n }`;
    const rules = `table inet loss\ndelete table inet loss\ntable inet loss {\n ${percent > 0 ? chain : ''}\n}\n`;
    run('ip', inside(this.#names.router, 'nft', '-f', '-'), rules);
  }

  /** Packets dropped since the loss was set. */
  dropped(): number {
    const rules = run('ip', inside(this.#names.router, 'nft', 'list', 'table', 'inet', 'loss'));
    return Number(/counter packets (\d+)/.exec(rules)?.[1] ?? 0);
  }

  /** At the far end, on any free port. The socket is that end's whoever holds it: so it is opened there and handed to us. */
  async listen(): Promise<Server> {
    const child = spawn('ip', inside(this.#names.far, process.execPath, LISTEN, this.host), {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const ended = once(child, 'exit').then(([code]) => {
      throw new Error(`could not listen in a namespace (${code})`);
    });
    ended.catch(() => {});
    const [, server] = (await Promise.race([once(child, 'message'), ended])) as [unknown, Server];
    child.send('thanks');
    return server;
  }

  stop(): void {
    made.delete(this.#names);
    remove(this.#names);
  }
}

/** Returns the far end's address. */
function build({ near, router, far }: Names): string {
  const taken = run('ip', ['-o', '-4', 'route']) + run('ip', ['-o', '-4', 'address']);
  let block = process.pid % BLOCKS;
  const address = (last: number): string => `198.${18 + (block >> 13)}.${(block >> 5) & 255}.${(block & 31) * 8 + last}`;
  while ([0, 1, 4].some((last) => taken.includes(`${address(last)}/`))) block = (block + 1) % BLOCKS;
  ip(
    `netns add ${router}`,
    `netns add ${far}`,
    `link add ${near} type veth peer name near netns ${router}`,
    `link add far netns ${router} type veth peer name far netns ${far}`,
    // One packet a segment: a drop is then a lost segment and not a lost 64 kB.
    `link set ${near} up gso_max_segs 1`,
    `address add ${address(1)}/30 dev ${near}`,
  );
  run(
    'ip',
    ['-netns', router, '-batch', '-'],
    `link set near up\nlink set far up\naddress add ${address(2)}/30 dev near\naddress add ${address(5)}/30 dev far\n`,
  );
  run(
    'ip',
    ['-netns', far, '-batch', '-'],
    `link set lo up\nlink set far up gso_max_segs 1\naddress add ${address(6)}/30 dev far\nroute add default via ${address(5)}\n`,
  );
  run('ip', inside(router, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward'));
  ip(`route add ${address(4)}/30 via ${address(2)}`);
  return address(6);
}

/** Each part by itself: what was not made cannot be removed. The link goes first, or sockets would keep its other end alive. */
function remove({ near, router, far }: Names): void {
  for (const line of [`link delete ${near}`, `netns delete ${router}`, `netns delete ${far}`]) {
    try {
      run('ip', line.split(' '));
    } catch {
      // Not there.
    }
  }
}

function removeLeftovers(): void {
  for (const [, pid, number] of run('ip', ['netns', 'list']).matchAll(/^volly(\d+)r(\d+)\b/gm))
    if (!existsSync(`/proc/${pid}`)) remove(namesOf(Number(pid), Number(number)));
}
