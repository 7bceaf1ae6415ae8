/**
 * A TURN server as far as an allocation goes (RFC 8656), over UDP, TCP and TLS, with credentials of the REST scheme that Synapse and coturn
 * share: the name is the time at which it ends, the password HMAC-SHA1(secret, name). It relays nothing.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import {
  ATTRIBUTE,
  type Attributes,
  answer,
  decode,
  isIntact,
  lengthOf,
  longTermKey,
  METHOD,
  type StunMessage,
} from '../../src/ops/doctor/stun.ts';
import type { ServerCertificate } from './homeserver/certificates.ts';
import { HOST } from './homeserver/ports.ts';

const REALM = 'turn.test';

/** What Synapse makes for a user from `turn_shared_secret`. */
export function turnCredentials(secret: string, lifeSeconds = 3_600): { username: string; password: string } {
  const username = `${Math.floor(Date.now() / 1_000) + lifeSeconds}:@user:orchid.example`;
  return { username, password: passwordOf(secret, username) };
}

const passwordOf = (secret: string, username: string): string => createHmac('sha1', secret).update(username).digest('base64');

export class TurnServer {
  secret = 'turn secret';
  /** To answer every allocation that has credentials with: 486 is a quota. */
  refusal: number | undefined;
  /** How many are allocated and not given back. */
  allocations = 0;
  readonly #nonce = randomBytes(8).toString('hex');
  readonly #udp: UdpSocket;
  readonly #tcp: Server;
  readonly #tls: Server | undefined;
  readonly #open = new Set<Socket>();

  private constructor(certificate: ServerCertificate | undefined) {
    this.#udp = createSocket('udp4');
    this.#udp.on('message', (bytes, { port, address }) => {
      const reply = this.#answer(bytes);
      if (reply) this.#udp.send(reply, port, address);
    });
    const serve = (socket: Socket): void => this.#serve(socket);
    this.#tcp = createServer(serve);
    this.#tls = certificate && createTlsServer({ cert: certificate.certificate, key: certificate.key }, serve);
  }

  static async start(certificate?: ServerCertificate): Promise<TurnServer> {
    const server = new TurnServer(certificate);
    server.#udp.bind(0, HOST);
    await once(server.#udp, 'listening');
    for (const one of [server.#tcp, server.#tls]) if (one) await once(one.listen(0, HOST), 'listening');
    return server;
  }

  get uris(): { readonly udp: string; readonly tcp: string; readonly tls: string } {
    const port = (of: Server | undefined): number => (of?.address() as AddressInfo | null)?.port ?? 0;
    return {
      udp: `turn:${HOST}:${this.#udp.address().port}?transport=udp`,
      tcp: `turn:${HOST}:${port(this.#tcp)}?transport=tcp`,
      tls: `turns:localhost:${port(this.#tls)}?transport=tcp`,
    };
  }

  async stop(): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    this.#udp.close();
    for (const one of [this.#tcp, this.#tls]) one?.close();
    await once(this.#udp, 'close');
  }

  #serve(socket: Socket): void {
    this.#open.add(socket);
    socket.on('close', () => this.#open.delete(socket)).on('error', () => {});
    let rest: Buffer = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      for (let length = lengthOf(rest); length !== undefined && rest.length >= length; length = lengthOf(rest)) {
        const reply = this.#answer(rest.subarray(0, length));
        if (reply) socket.write(reply);
        rest = rest.subarray(length);
      }
    });
  }

  #answer(bytes: Buffer): Buffer | undefined {
    const message = decode(bytes);
    if (message?.kind !== 'request') return undefined;
    if (message.method === METHOD.binding) return answer(message, 'success', []);
    const code = this.#refusalOf(message, bytes);
    if (code !== undefined) return answer(message, 'error', this.#error(code));
    if (message.method === METHOD.allocate) {
      this.allocations++;
      return answer(message, 'success', [[ATTRIBUTE.xorRelayedAddress, Buffer.of(0, 1, 0, 0, 0, 0, 0, 0)]]);
    }
    if (message.attributes.get(ATTRIBUTE.lifetime)?.readUInt32BE() === 0) this.allocations--;
    return answer(message, 'success', []);
  }

  #refusalOf({ method, attributes }: StunMessage, bytes: Buffer): number | undefined {
    const text = (type: number): string => attributes.get(type)?.toString() ?? '';
    const username = text(ATTRIBUTE.username);
    const key = longTermKey(username, REALM, passwordOf(this.secret, username));
    const ends = Number(username.split(':')[0]);
    if (!attributes.has(ATTRIBUTE.messageIntegrity) || text(ATTRIBUTE.realm) !== REALM) return 401;
    if (text(ATTRIBUTE.nonce) !== this.#nonce) return 438;
    if (!(ends * 1_000 > Date.now()) || !isIntact(bytes, key)) return 401;
    if (method === METHOD.allocate && attributes.get(ATTRIBUTE.requestedTransport)?.[0] !== 17) return 442;
    return method === METHOD.allocate ? this.refusal : undefined;
  }

  #error(code: number): Attributes {
    return [
      [ATTRIBUTE.errorCode, Buffer.of(0, 0, Math.floor(code / 100), code % 100)],
      [ATTRIBUTE.realm, Buffer.from(REALM)],
      [ATTRIBUTE.nonce, Buffer.from(this.#nonce)],
    ];
  }
}
