/** Where a server name leads, as Matrix has it: server-server API, "Resolving server names". Tried from this machine. */
import { resolveSrv } from 'node:dns/promises';
import { isIP } from 'node:net';
import { isServerName, type ServerName } from '../../ids.ts';
import { type Answer, type Ask, type Asked, ask } from './http.ts';
import { isTrouble } from './network.ts';

const DEFAULT_PORT = 8448;
const WELL_KNOWN_MS = 5_000;
const REDIRECTS = 5;

export interface Target {
  readonly host: string;
  readonly port: number;
  /** Whose certificate it must show, and what the Host header says. */
  readonly name: string;
  readonly hostHeader: string;
}

const parts = (name: string): { host: string; port: number | undefined } => {
  const [, host = '', port] = /^(\[[^\]]+\]|[^:]+)(?::(\d+))?$/.exec(name) ?? [];
  return { host: host.replace(/^\[|\]$/g, ''), port: port === undefined ? undefined : Number(port) };
};

/** As far as connecting goes: where none is named it is one. */
const hasPort = (name: string): boolean => (parts(name).port ?? DEFAULT_PORT) <= 65_535;

/** `broken`: there is a well-known file, and it is not what Matrix wants there. */
export async function resolveServer(name: ServerName): Promise<Target | 'broken'> {
  const direct = literal(name);
  if (direct) return direct;
  const delegated = await wellKnown(name);
  if (delegated === 'broken') return 'broken';
  if (delegated === undefined) return bySrv(name);
  return literal(delegated) ?? bySrv(delegated);
}

/** An address, or a name with a port, is asked as it stands. */
function literal(name: string): Target | undefined {
  const { host, port } = parts(name);
  if (port === undefined && isIP(host) === 0) return undefined;
  return { host, port: port ?? DEFAULT_PORT, name: host, hostHeader: name };
}

async function bySrv(name: string): Promise<Target> {
  for (const service of ['_matrix-fed', '_matrix']) {
    const [record] = await resolveSrv(`${service}._tcp.${name}`).catch(() => []);
    if (record) return { host: record.name, port: record.port, name, hostHeader: name };
  }
  return { host: name, port: DEFAULT_PORT, name, hostHeader: name };
}

/** Undefined where there is none, which is allowed. */
async function wellKnown(name: string): Promise<string | 'broken' | undefined> {
  const answer = await following(`https://${name}/.well-known/matrix/server`);
  if (answer === undefined || answer.status !== 200) return undefined;
  const server = answer.json['m.server'];
  return typeof server === 'string' && isServerName(server.toLowerCase()) && hasPort(server) ? server : 'broken';
}

async function following(url: string): Promise<Answer | undefined> {
  let at = url;
  for (let i = 0; i <= REDIRECTS; i++) {
    const asked = await ask(at, { timeoutMs: WELL_KNOWN_MS });
    if (isTrouble(asked)) return undefined;
    const { location } = asked.headers;
    if (asked.status < 300 || asked.status >= 400 || location === undefined || !URL.canParse(location, at)) return asked;
    at = new URL(location, at).href;
    if (!at.startsWith('https:')) return undefined;
  }
  return undefined;
}

/** The server's keys, signed with its name: what every other server asks for first. */
export async function askFederation(name: ServerName, request: Ask = {}): Promise<Asked | 'broken'> {
  const target = await resolveServer(name);
  if (target === 'broken') return 'broken';
  const { host, port, hostHeader } = target;
  return ask(`https://${hostHeader}/_matrix/key/v2/server`, { ...request, connectTo: { host, port, name: target.name } });
}
