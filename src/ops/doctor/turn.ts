/** Tries a TURN server as an app would: allocates a relay with the credentials, and gives it back. RFC 8656 sections 6 and 7. */
import { createSocket } from 'node:dgram';
import { connect as connectTcp, isIPv6, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type NetworkKind, networkTrouble } from './network.ts';
import {
  ATTRIBUTE,
  type Attributes,
  type Credentials,
  decode,
  errorCodeOf,
  lengthOf,
  METHOD,
  request,
  type StunMessage,
} from './stun.ts';

/** Of one exchange, with its repetitions where that is UDP. */
const EXCHANGE_MS = 4_000;
/** RFC 8489 section 6.2.1. */
const REPEAT_MS = [0, 500, 1_500, 3_500];
const UDP = 17;

export interface TurnUri {
  readonly scheme: 'stun' | 'turn' | 'stuns' | 'turns';
  readonly host: string;
  readonly port: number;
  readonly transport: 'udp' | 'tcp' | 'tls';
}

/** `allocated`, or why not. */
export type Tried =
  | { readonly result: 'allocated'; readonly ms: number }
  | { readonly result: 'unauthorized'; readonly code: number }
  | { readonly result: 'refused'; readonly code: number }
  | { readonly result: 'no answer'; readonly trouble: NetworkKind; readonly reason: string };

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

interface Line {
  /** Rejects with an error that has a `code`. */
  readonly exchange: (message: Buffer) => Promise<StunMessage>;
  readonly send: (message: Buffer) => void;
  readonly close: () => void;
}

const noAnswer = (): Error => Object.assign(new Error(), { code: 'NO_ANSWER' });

/** What waits for its answer, whichever way that comes. */
class Waiting {
  #waiting: { transaction: string; resolve: (message: StunMessage) => void; reject: (error: Error) => void } | undefined;

  take(bytes: Buffer): void {
    const message = decode(bytes);
    if (message !== undefined && message.transaction === this.#waiting?.transaction) this.#waiting.resolve(message);
  }

  fail(error: Error): void {
    this.#waiting?.reject(error);
  }

  async answerTo(sent: Buffer): Promise<StunMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<StunMessage>();
    this.#waiting = { transaction: decode(sent)!.transaction, resolve, reject };
    const timer = setTimeout(() => reject(noAnswer()), EXCHANGE_MS);
    return promise.finally(() => clearTimeout(timer));
  }
}

/** Connected, so that the system tells of a port where nobody listens. */
async function openUdp({ host, port }: TurnUri): Promise<Line> {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
  const waiting = new Waiting();
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.connect(port, host, resolve);
  }).catch((error: unknown) => {
    socket.close();
    throw error;
  });
  socket.removeAllListeners('error').on('error', (error) => waiting.fail(error));
  socket.on('message', (bytes) => waiting.take(bytes));
  return {
    send: (message) => socket.send(message),
    exchange(message) {
      const timers = REPEAT_MS.map((ms) => setTimeout(() => socket.send(message, () => {}), ms));
      return waiting.answerTo(message).finally(() => timers.forEach(clearTimeout));
    },
    // What was sent a moment ago still goes out.
    close: () => setImmediate(() => socket.close()),
  };
}

async function openStream({ host, port, transport }: TurnUri): Promise<Line> {
  const waiting = new Waiting();
  const socket = await new Promise<Socket>((resolve, reject) => {
    const opened: Socket =
      transport === 'tls'
        ? connectTls({ host, port, ...(isIPv6(host) || /^[\d.]+$/.test(host) ? {} : { servername: host }) }, () =>
            resolve(opened),
          )
        : connectTcp({ host, port }, () => resolve(opened));
    opened.once('error', reject);
    opened.setTimeout(EXCHANGE_MS, () => opened.destroy(noAnswer()));
  });
  let rest: Buffer = Buffer.alloc(0);
  socket.on('error', (error) => waiting.fail(error));
  socket.on('close', () => waiting.fail(Object.assign(new Error(), { code: 'CLOSED' })));
  socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    for (let length = lengthOf(rest); length !== undefined && rest.length >= length; length = lengthOf(rest)) {
      waiting.take(rest.subarray(0, length));
      rest = rest.subarray(length);
    }
  });
  return {
    send: (message) => socket.write(message),
    exchange(message) {
      socket.write(message);
      return waiting.answerTo(message);
    },
    close: () => socket.destroySoon(),
  };
}
