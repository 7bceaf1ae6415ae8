/**
 * The two apps of B1: the SDK as it is over its own gateway connection, with two things taken away that are not measured. There is no
 * WebRTC (descriptions are those of Chromium 156, taken down once), and the callee's keys are fetched once: each call begins with the
 * offer. Everything else is a call's own: the native provider, verification, replay guard, `ringing`, the in-call session.
 */
import { readFileSync } from 'node:fs';
import { assemble, type Parts } from '../src/client/assemble.ts';
import type { Call } from '../src/client/call.ts';
import { openGateway } from '../src/client/connection.ts';
import { enrolInvited } from '../src/client/enrol.ts';
import { nodeSocket } from '../src/client/node.ts';
import type { PeerConnectionLike } from '../src/client/peer-connection.ts';
import { MemoryStore } from '../src/client/store.ts';
import { systemClock, systemRandom } from '../src/clock.ts';
import { native } from '../src/crypto/native.ts';
import type { MemberId } from '../src/ids.ts';
import type { Peer } from '../src/protocol/bundle.ts';
import type { Envelope, EnvelopeType } from '../src/protocol/envelope.ts';
import type { Community } from '../test/support/community.ts';

interface Media {
  readonly offer: string;
  readonly answer: string;
}
const fixture = new URL('../test/fixtures/sdp/chromium-156.json', import.meta.url);
const { av } = JSON.parse(readFileSync(fixture, 'utf8')) as { av: Media };

/** Has descriptions at once and never a candidate. */
export function paperConnection(): PeerConnectionLike {
  return {
    signalingState: 'stable',
    iceConnectionState: 'new',
    connectionState: 'new',
    createOffer: async () => ({ sdp: av.offer }),
    createAnswer: async () => ({ sdp: av.answer }),
    setLocalDescription: async () => {},
    setRemoteDescription: async () => {},
    addIceCandidate: async () => {},
    restartIce() {},
    close() {},
    addEventListener() {},
    removeEventListener() {},
  };
}

/** The last envelope of each type that the app gave its gateway connection, and when. */
export type Sent = Map<EnvelopeType, { readonly at: number; readonly envelope: Envelope }>;

export interface App {
  readonly member: MemberId;
  readonly parts: Parts;
  readonly sent: Sent;
}

export async function enrolApp(community: Community, name: string): Promise<App> {
  if (!native) throw new Error('B1 needs the native provider: Node 24.15 or newer');
  const tools = { store: new MemoryStore(), random: systemRandom, provider: native };
  const keys = await enrolInvited(tools, await community.invite(name), 'PHONE', systemClock.now());
  const sent: Sent = new Map();
  const parts = await assemble({
    ...tools,
    keys,
    clock: systemClock,
    enrolled: false,
    socket: nodeSocket(),
    rejectWhenBusy: true,
    gateway(options) {
      const connection = openGateway(options);
      const send = connection.sendEnvelope.bind(connection);
      connection.sendEnvelope = (envelope) => {
        sent.set(envelope.type, { at: performance.now(), envelope });
        return send(envelope);
      };
      return connection;
    },
  });
  parts.events.on('fault', (error) => {
    throw error;
  });
  await parts.lifecycle.start();
  parts.inbox.begin();
  return { member: keys.account.member, parts, sent };
}

/** A caller and a callee who accepts at once. */
export class Pair {
  readonly caller: App;
  readonly callee: App;
  readonly #peers: readonly Peer[];
  /** The callee's side of the call in progress. */
  #taken: Promise<Call> | undefined;

  private constructor(caller: App, callee: App, peers: readonly Peer[]) {
    this.caller = caller;
    this.callee = callee;
    this.#peers = peers;
    callee.parts.events.on('incoming', (incoming) => {
      this.#taken = incoming.accept({ pc: paperConnection() });
    });
  }

  static async make(orchid: Community, maple: Community, number: number): Promise<Pair> {
    const [caller, callee] = await Promise.all([enrolApp(orchid, `alice${number}`), enrolApp(maple, `bob${number}`)]);
    return new Pair(caller, callee, await caller.parts.directory.fetch(callee.member));
  }

  /** ms from the offer's leaving for the gateway to the verified answer. Hangs up afterwards and waits until both sides know. */
  async call(): Promise<number> {
    const call = await this.caller.parts.calls.start(this.callee.member, this.#peers, paperConnection());
    const offered = this.caller.sent.get('app.volly.call.offer')?.at as number;
    const verified = await new Promise<number>((resolve, reject) => {
      call.on('state', (state) => state === 'active' && resolve(performance.now()));
      call.on('ended', ({ reason }) => reject(new Error(`a call of the benchmark ended: ${reason}`)));
    });
    await call.hangUp();
    await (await this.#taken)?.whenEnded();
    return verified - offered;
  }

  async close(): Promise<void> {
    for (const { parts } of [this.caller, this.callee]) {
      await parts.context.queue.run(() => parts.presence.onClose());
      parts.lifecycle.stop();
    }
  }
}
