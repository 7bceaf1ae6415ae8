/** Who is counted as one at the door. */
import type { IncomingMessage } from 'node:http';
import { BlockList, isIPv6 } from 'node:net';

/** `::ffff:192.0.2.1` is 192.0.2.1. */
const plain = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, '').toLowerCase();

export interface Counted {
  readonly host: string;
  /** What is around an IPv6 host, which counts as well. */
  readonly network?: string;
}

/** An IPv6 host has 2^64 addresses to come from: its /64 counts as one. Its owner may have 2^16 of these: so does their /48, as more. */
export function countedAs(address: string): Counted {
  const text = plain(address).replace(/%.*$/, '');
  if (!isIPv6(text)) return { host: text };
  const [head = '', tail] = text.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups = [...left, ...Array(Math.max(0, 8 - left.length - right.length)).fill('0'), ...right];
  const first = (count: number) => groups.slice(0, count).map((group) => group.replace(/^0+(?=.)/, ''));
  return { host: `${first(4).join(':')}::/64`, network: `${first(3).join(':')}::/48` };
}

export const socketAddress = (request: IncomingMessage): string => request.socket.remoteAddress ?? '';

/**
 * The client's address behind reverse proxies: the last entry of X-Forwarded-For that none of the trusted ones (addresses or
 * CIDR) wrote about itself. Everything left of it is the client's own invention. Throws on a malformed entry of `trusted`.
 */
export function forwardedAddress(trusted: readonly string[]): (request: IncomingMessage) => string {
  const list = new BlockList();
  for (const entry of trusted) {
    const [address = '', bits] = entry.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  const isTrusted = (address: string): boolean => {
    try {
      return list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
    } catch {
      return false;
    }
  };
  return (request) => {
    let address = plain(socketAddress(request));
    const hops = String(request.headers['x-forwarded-for'] ?? '').split(',');
    for (let at = hops.length - 1; at >= 0 && isTrusted(address); at--) {
      const hop = plain((hops[at] as string).trim());
      if (hop === '') break;
      address = hop;
    }
    return address;
  };
}
