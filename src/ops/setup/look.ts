/** What a homeserver tells to anybody, before it knows this bridge. No token goes with it. */
import { isServerName, type ServerName } from '../../ids.ts';

const TIMEOUT_MS = 10_000;

export interface Found {
  /** Why it is no use as it is; undefined where a homeserver answers. */
  readonly away: string | undefined;
  /** By its own word, where it serves its keys at the same address. */
  readonly serverName: ServerName | undefined;
  /** `Synapse/1.163.2`, or `unknown`. */
  readonly software: string;
}

export async function lookAt(url: string, request: typeof fetch = fetch): Promise<Found> {
  const ask = (path: string) => get(request, `${url}${path}`);
  const [versions, keys, version] = await Promise.all(
    ['/_matrix/client/versions', '/_matrix/key/v2/server', '/_matrix/federation/v1/version'].map(ask),
  );
  const name = versions && keys?.body['server_name'];
  const { name: program, version: number } = (version?.body['server'] ?? {}) as Record<string, unknown>;
  return {
    away: Array.isArray(versions?.body['versions']) ? undefined : versions?.why,
    serverName: typeof name === 'string' && isServerName(name) ? name : undefined,
    software:
      typeof program === 'string' && /^[\w. +-]{1,32}$/.test(program) ? `${program}/${String(number).slice(0, 32)}` : 'unknown',
  };
}

interface Got {
  readonly body: Readonly<Record<string, unknown>>;
  /** Why this is not what was asked for, if it is not. */
  readonly why: string;
}

/** Never throws. A redirect is not followed: the bridge, whose requests carry a token, does not follow one either. */
async function get(request: typeof fetch, url: string): Promise<Got> {
  try {
    const answer = await request(url, { redirect: 'manual', signal: AbortSignal.timeout(TIMEOUT_MS) });
    const location = answer.headers.get('location');
    if (location !== null) return { body: {}, why: `a redirect to ${location} answers; name that address` };
    const body: unknown = await answer.json().catch(() => undefined);
    const isObject = answer.ok && typeof body === 'object' && body !== null;
    return { body: isObject ? (body as Got['body']) : {}, why: `what answers is no homeserver (${answer.status})` };
  } catch (error) {
    const { code, message } = ((error as Error).cause ?? {}) as { code?: string; message?: string };
    const reason = (error as Error).name === 'TimeoutError' ? 'no answer in time' : (code ?? message ?? 'connection failed');
    return { body: {}, why: `nothing answers (${reason})` };
  }
}
