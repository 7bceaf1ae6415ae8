/** Addresses of STUN and TURN servers, RFC 7064 and 7065. */

export interface TurnUri {
  readonly scheme: 'stun' | 'turn' | 'stuns' | 'turns';
  readonly host: string;
  readonly port: number;
  readonly transport: 'udp' | 'tcp' | 'tls';
}

/** RFC 7065: `turn:host:port?transport=udp`. Undefined for what is none. */
export function parseTurnUri(text: string): TurnUri | undefined {
  const match = /^(stuns?|turns?):(\[[0-9a-f:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?(?:\?transport=(udp|tcp))?$/i.exec(text);
  if (match === null) return undefined;
  const [, scheme = '', host = '', port, transport] = match;
  const secure = /s$/i.test(scheme);
  return {
    scheme: scheme.toLowerCase() as TurnUri['scheme'],
    host: host.replace(/^\[|\]$/g, ''),
    port: port === undefined ? (secure ? 5349 : 3478) : Number(port),
    transport: secure ? 'tls' : transport?.toLowerCase() === 'tcp' ? 'tcp' : 'udp',
  };
}
