/** What a homeserver tells to anybody, before it knows this bridge. No token goes with it. */
import { isIP } from 'node:net';
import { isServerName, type ServerName } from '../../ids.ts';
import { type Asked, ask } from '../doctor/http.ts';
import { printable } from '../printable.ts';

/** Of an address that somebody else wrote: as much as a line has room for. */
const ADDRESS_CHARACTERS = 150;

export interface Found {
  /** Why it is no use as it is; undefined where a homeserver answers. */
  readonly away: string | undefined;
  /** By its own word, where it serves its keys at the same address. */
  readonly serverName: ServerName | undefined;
  /** Where it does not say: whose well-known file sends clients to that address. Mostly its name, and no proof. */
  readonly likelyName: ServerName | undefined;
  /** `Synapse/1.163.2`, or `unknown`. */
  readonly software: string;
}

export async function lookAt(url: string, request: (url: string) => Promise<Asked> = ask): Promise<Found> {
  const paths = ['/_matrix/client/versions', '/_matrix/key/v2/server', '/_matrix/federation/v1/version'];
  const [versions, keys, version] = (await Promise.all(paths.map((path) => request(new URL(path, url).href)))) as [
    Asked,
    Asked,
    Asked,
  ];
  const name = jsonOf(keys)['server_name'];
  const { name: program, version: number } = (jsonOf(version)['server'] ?? {}) as Readonly<Record<string, unknown>>;
  const said = `${program}/${number}`;
  const serverName = typeof name === 'string' && isServerName(name) ? name : undefined;
  const away = whyAway(versions);
  return {
    away,
    serverName,
    likelyName: away === undefined && serverName === undefined ? await nameThatLeadsTo(url, request) : undefined,
    software: typeof program === 'string' && /^[\w. +/()-]{1,64}$/.test(said) ? said : 'unknown',
  };
}

/** `matrix.orchid.example` serves `orchid.example`, if that one says so, or itself. */
async function nameThatLeadsTo(url: string, request: (url: string) => Promise<Asked>): Promise<ServerName | undefined> {
  const { hostname: host, origin } = new URL(url);
  if (isIP(host.replace(/^\[|\]$/g, '')) !== 0) return undefined;
  for (const name of [host.slice(host.indexOf('.') + 1), host]) {
    if (!name.includes('.') || !isServerName(name)) continue;
    const { base_url: base } = (jsonOf(await request(`https://${name}/.well-known/matrix/client`))['m.homeserver'] ??
      {}) as Readonly<Record<string, unknown>>;
    if (typeof base === 'string' && URL.parse(base)?.origin === origin) return name;
  }
  return undefined;
}

const jsonOf = (asked: Asked): Readonly<Record<string, unknown>> => ('json' in asked ? asked.json : {});

function whyAway(asked: Asked): string | undefined {
  if ('trouble' in asked) return `nothing answers (${asked.reason})`;
  // The bridge, whose requests carry a token, follows none.
  if (asked.headers.location !== undefined)
    return `a redirect to ${printable(asked.headers.location, ADDRESS_CHARACTERS)} answers; name that address`;
  return Array.isArray(asked.json['versions']) ? undefined : `what answers is no homeserver (${asked.status})`;
}
