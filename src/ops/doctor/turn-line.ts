/** A way to a TURN server: messages there, each with its answer. UDP repeats what is not answered; TCP and TLS carry messages behind each other. */
import { createSocket } from 'node:dgram';
import { connect as connectTcp, isIPv6, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { decode, lengthOf, type StunMessage } from './stun.ts';
import type { TurnUri } from './turn-uri.ts';

/** Of one exchange, with its repetitions where that is UDP. */
const EXCHANGE_MS = 4_000;
/** RFC 8489 section 6.2.1. */
const REPEAT_MS = [0, 500, 1_500, 3_500];

export interface Line {
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
export async function openUdp({ host, port }: TurnUri): Promise<Line> {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
  const waiting = new Waiting();
  await new Promise<void>((resolve, reject) => {
    // Not its callback: that is also called with the error of a name that does not exist.
    socket.once('error', reject).once('connect', resolve);
    socket.connect(port, host);
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

export async function openStream({ host, port, transport }: TurnUri): Promise<Line> {
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
