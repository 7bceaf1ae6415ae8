/** A legacy adapter joined by the fake bridge with clients of the SDK. Its apps have sockets without a network. */

import type { ConnectionOptions, GatewayConnection } from '../../src/client/connection-types.ts';
import type { RandomBytes } from '../../src/clock.ts';
import { COMPOSITE, compositePublicKey, compositeSigner } from '../../src/crypto/composite.ts';
import { sha256 } from '../../src/crypto/hash.ts';
import { selectProvider } from '../../src/crypto/select.ts';
import { VollyError } from '../../src/errors.ts';
import { Directory } from '../../src/gateway/directory.ts';
import { makeCredential, redeemCredential } from '../../src/gateway/legacy/credential.ts';
import { LegacyKeys } from '../../src/gateway/legacy/keys.ts';
import { Lines } from '../../src/gateway/legacy/lines.ts';
import type { LegacyOptions } from '../../src/gateway/legacy/options.ts';
import type { TextSocket } from '../../src/gateway/legacy/socket.ts';
import {
  type DeviceAddress,
  type EnvelopeId,
  localpartOf,
  parseDeviceAddress,
  parseMemberId,
  parseServerName,
} from '../../src/ids.ts';
import { type Envelope, serverOfAddress } from '../../src/protocol/envelope.ts';
import type { Community } from '../../src/protocol/handshake-server.ts';
import { memoryStores } from '../../src/storage/memory/stores.ts';
import { World } from '../client/world.ts';
import { seededRandom } from '../support/clock.ts';
import { counting } from '../support/counting.ts';

export const OLGA = 'olga@orchid.example';
export const OTTO = 'otto@orchid.example';

export interface Frame {
  readonly type: string;
  readonly from: string;
  readonly sdp?: string;
  readonly reason?: string;
  readonly candidate?: { readonly candidate: string; readonly sdpMid: string | null; readonly usernameFragment?: string };
}

/** An app on the other end of a wire. */
export class FakeApp implements TextSocket {
  bufferedAmount = 0;
  onMessage: (text: string) => void = () => {};
  onPong: () => void = () => {};
  onClose: () => void = () => {};
  readonly frames: Frame[] = [];
  closedWith: string | undefined;
  paused = false;
  pings = 0;
  answersPings = true;

  send(text: string): void {
    if (this.closedWith === undefined) this.frames.push(JSON.parse(text));
  }

  ping(): void {
    this.pings++;
    if (this.answersPings) this.onPong();
  }

  close(code: string): void {
    if (this.closedWith !== undefined) return;
    this.closedWith = code;
    queueMicrotask(() => this.onClose());
  }

  destroy(): void {
    this.close('destroyed');
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  // What the app does.

  say(frame: object): void {
    if (this.closedWith === undefined) this.onMessage(JSON.stringify(frame));
  }

  /** Types, with the reason of a hangup. */
  get heard(): string[] {
    return this.frames.map(({ type, reason }) => (reason ? `${type} ${reason}` : type));
  }

  last(type: string): Frame {
    const found = this.frames.findLast((frame) => frame.type === type);
    if (!found) throw new Error(`no ${type} among ${this.heard.join(', ')}`);
    return found;
  }
}

export class LegacyWorld extends World {
  readonly provider = selectProvider();
  readonly random: RandomBytes = seededRandom(4242);
  readonly stores = memoryStores();
  readonly counts = new Map<string, number>();
  /** What a line began to open, as it says to the mailbox. */
  readonly handed: EnvelopeId[] = [];
  readonly warnings: string[] = [];
  readonly community: Community & { readonly seed: Uint8Array };
  directory = new Directory();
  keys: LegacyKeys;
  lines: Lines;
  readonly #ears = new Map<DeviceAddress, GatewayConnection>();

  constructor() {
    super();
    const seed = this.random(COMPOSITE.seed);
    const publicKey = compositePublicKey(this.provider, seed);
    this.community = {
      server: parseServerName('orchid.example'),
      publicKey,
      hash: sha256(publicKey),
      sign: compositeSigner(this.provider, seed),
      seed,
    };
    this.keys = this.#newKeys();
    this.lines = new Lines(this.options());
  }

  options(): LegacyOptions {
    const { provider, random, clock, community, stores, bridge } = this;
    return {
      ...{ provider, random, clock, community, keys: this.keys, members: stores.members, facts: stores.facts },
      directory: this.directory,
      route: { route: async (envelope) => bridge.route(envelope) },
      mailbox: {
        waiting: async (device) => bridge.waiting(device),
        handed: ({ id }) => void this.handed.push(id),
        taken: async (device, envelope) => bridge.taken(device, envelope as Envelope),
      },
      enter: async () => ({ greeted() {}, left() {} }),
      log: { info: () => {}, warn: (event, fields) => void this.warnings.push(`${event} ${JSON.stringify(fields)}`) },
      counters: counting((_, labels) => {
        const key = Object.values(labels).join(' ');
        this.counts.set(key, 1 + (this.counts.get(key) ?? 0));
      }),
    };
  }

  credential(member: string): Promise<string> {
    const { members, facts } = this.stores;
    const localpart = localpartOf(parseMemberId(member));
    return makeCredential({ members, facts, random: this.random, clock: this.clock, localpart });
  }

  /** Connects an app. Its member is reachable from then on, whether an app is there or not. */
  async app(credential: string): Promise<FakeApp> {
    const owner = await redeemCredential(this.stores, credential);
    const guest = owner && (await this.lines.receive(owner));
    if (!guest) throw new VollyError('not_enrolled');
    const app = new FakeApp();
    this.lines.join(app, guest);
    await this.#listen(parseDeviceAddress(`${guest.keys.member}/LEGACY`));
    await this.settle();
    return app;
  }

  async member(name: string): Promise<{ readonly app: FakeApp; readonly credential: string }> {
    const credential = await this.credential(name);
    return { app: await this.app(credential), credential };
  }

  /** As after a crash: what was in memory is gone, and the sockets with it. */
  restart(): void {
    this.directory = new Directory();
    this.keys = this.#newKeys();
    this.lines = new Lines(this.options());
  }

  async shelve(member: string): Promise<void> {
    const [bundle] = await this.keys.bundles(localpartOf(parseMemberId(member)));
    if (bundle) this.bridge.publish(bundle as Uint8Array<ArrayBuffer>);
  }

  #newKeys(): LegacyKeys {
    const { provider, random, clock, community, stores } = this;
    return new LegacyKeys({ provider, random, clock, community, facts: stores.facts });
  }

  /** The router's side of the fake bridge: what comes for the device is in its mailbox, and told to the directory. */
  async #listen(device: DeviceAddress): Promise<void> {
    const [bundle] = (await this.keys.bundles(device.slice(0, device.indexOf('@')))) as [Uint8Array<ArrayBuffer>];
    this.bridge.publish(bundle);
    if (this.#ears.has(device)) return;
    const options = {
      credentials: { bundle: () => bundle },
      onEnvelope: async (envelope: Envelope) => {
        if (serverOfAddress(envelope.to) !== this.community.server) throw new Error('not here');
        this.directory.deliver(device, envelope);
        // Taken out of the mailbox by the line, if at all.
        throw new VollyError('overloaded');
      },
    };
    const connection = this.bridge.gateway(options as unknown as ConnectionOptions);
    this.#ears.set(device, connection);
    connection.connect();
  }
}
