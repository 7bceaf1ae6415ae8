/** Which homeserver this is, for the operator, and to notice that it is another one than before. Nothing is decided by it. */
import { createHash } from 'node:crypto';
import type { HomeserverClient } from './client.ts';
import { HomeserverError, parseObject } from './failure.ts';

export interface Identity {
  /** `Synapse/1.163.2`, or `unknown`. */
  readonly software: string;
  /** Changes with the version, the features, and what stands in front. */
  readonly fingerprint: string;
}

/** A name and a version as they may stand in a log: what is longer or stranger is not shown. */
const PLAIN = /^[\w. /+()-]{1,64}$/;

/** Throws what `HomeserverClient.request` throws, but for a homeserver that does not tell its name. */
export async function identify(client: HomeserverClient, signal: AbortSignal | undefined): Promise<Identity> {
  const ask = (path: string) => client.exchange({ method: 'GET', step: 'versions', path, as: 'service', signal });
  const [{ text, headers }, named] = await Promise.all([
    ask('/_matrix/client/versions'),
    ask('/_matrix/federation/v1/version').catch((error: unknown) => {
      if (error instanceof HomeserverError) return undefined; // many serve it on another port
      throw error;
    }),
  ]);
  const header = headers.get('server') ?? '';
  const said = nameIn(named?.text) ?? header;
  const software = PLAIN.test(said) ? said : 'unknown';
  const fingerprint = createHash('sha256').update([software, header, text].join('\n')).digest('base64url');
  return { software, fingerprint };
}

function nameIn(text: string | undefined): string | undefined {
  const server = parseObject(text ?? '')['server'];
  if (typeof server !== 'object' || server === null) return undefined;
  const { name, version } = server as Record<string, unknown>;
  return typeof name === 'string' && typeof version === 'string' ? `${name}/${version}` : undefined;
}
