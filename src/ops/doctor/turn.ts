/** Tries a TURN server as an app would: allocates a relay with the credentials, and gives it back. RFC 8656 sections 6 and 7. */
import { type NetworkKind, networkTrouble } from './network.ts';
import { ATTRIBUTE, type Attributes, type Credentials, errorCodeOf, METHOD, request } from './stun.ts';
import { type Line, openStream, openUdp } from './turn-line.ts';
import type { TurnUri } from './turn-uri.ts';

const UDP = 17;

/** `allocated`, or why not. */
export type Tried =
  | { readonly result: 'allocated'; readonly ms: number }
  | { readonly result: 'unauthorized'; readonly code: number }
  | { readonly result: 'refused'; readonly code: number }
  | { readonly result: 'no answer'; readonly trouble: NetworkKind; readonly reason: string };

export async function tryTurn(uri: TurnUri, username: string, password: string): Promise<Tried> {
  const started = performance.now();
  let line: Line | undefined;
  try {
    line = await (uri.transport === 'udp' ? openUdp(uri) : openStream(uri));
    const tried = await (uri.scheme.startsWith('stun') ? bind(line) : allocate(line, username, password));
    return tried ?? { result: 'allocated', ms: Math.round(performance.now() - started) };
  } catch (error) {
    return { result: 'no answer', ...networkTrouble(error, uri.transport === 'tls') };
  } finally {
    line?.close();
  }
}

/** Undefined where it worked. */
async function bind(line: Line): Promise<Tried | undefined> {
  const answer = await line.exchange(request(METHOD.binding, []));
  return answer.kind === 'success' ? undefined : { result: 'refused', code: errorCodeOf(answer) };
}

async function allocate(line: Line, username: string, password: string): Promise<Tried | undefined> {
  const wanted: Attributes = [[ATTRIBUTE.requestedTransport, Buffer.of(UDP, 0, 0, 0)]];
  let answer = await line.exchange(request(METHOD.allocate, wanted));
  let credentials: Credentials | undefined;
  // The first answer asks for credentials; a second 438 would be a server whose nonces are stale at once.
  for (let i = 0; i < 2 && answer.kind === 'error' && [401, 438].includes(errorCodeOf(answer)); i++) {
    if (credentials !== undefined && errorCodeOf(answer) === 401) break;
    const nonce = answer.attributes.get(ATTRIBUTE.nonce);
    if (nonce === undefined) break;
    credentials = { username, password, realm: answer.attributes.get(ATTRIBUTE.realm)?.toString() ?? '', nonce };
    answer = await line.exchange(request(METHOD.allocate, wanted, credentials));
  }
  if (answer.kind !== 'success') {
    const code = errorCodeOf(answer);
    return { result: code === 401 ? 'unauthorized' : 'refused', code };
  }
  // A lifetime of 0 gives it back, or it would count against the user's quota for ten minutes. Nobody waits for the answer.
  line.send(request(METHOD.refresh, [[ATTRIBUTE.lifetime, Buffer.alloc(4)]], credentials));
  return undefined;
}
