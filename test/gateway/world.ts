/** A gateway on stores in memory, apps with real keys, and wires between them. Nothing here waits for a real clock. */
import assert from 'node:assert/strict';
import { type Bytes, toBase64url } from '../../src/bytes.ts';
import { openGateway } from '../../src/client/connection.ts';
import type { ConnectionOptions, Credentials, GatewayConnection, Ticket } from '../../src/client/connection-types.ts';
import type { RandomBytes } from '../../src/clock.ts';
import { COMPOSITE, compositePublicKey, compositeSign, compositeSigner } from '../../src/crypto/composite.ts';
import { sha256 } from '../../src/crypto/hash.ts';
import type { Provider } from '../../src/crypto/primitives.ts';
import { selectProvider } from '../../src/crypto/select.ts';
import { Directory } from '../../src/gateway/directory.ts';
import { makeInvite } from '../../src/gateway/invite.ts';
import type { GatewayOptions } from '../../src/gateway/options.ts';
import { Gateway } from '../../src/gateway/server.ts';
import { memberShelf } from '../../src/gateway/shelf.ts';
import { type DeviceAddress, type EnvelopeId, localpartOf, parseEnvelopeId, parseServerName } from '../../src/ids.ts';
import type { Envelope, EnvelopeOf } from '../../src/protocol/envelope.ts';
import type { Community } from '../../src/protocol/handshake-server.ts';
import { encodeIdentity } from '../../src/protocol/identity.ts';
import { parseInvite } from '../../src/protocol/invite.ts';
import type { Mailbox, Route, Shelf } from '../../src/routing/ports.ts';
import { memoryStores } from '../../src/storage/memory/stores.ts';
import { ManualClock, seededRandom, settle } from '../support/clock.ts';
import { counting } from '../support/counting.ts';
import { type Device, User } from './people.ts';
import { Wire } from './wire.ts';

export const SERVER = parseServerName('orchid.example');

/** An app: what it received, and its connection. */
export interface App {
  readonly connection: GatewayConnection;
  readonly received: Envelope[];
  readonly events: string[];
  readonly wires: Wire[];
  ticket: Ticket | undefined;
  prekeyHash: Uint8Array | undefined;
  /** What `onEnvelope` does beyond keeping it. */
  open: (envelope: Envelope, taken: () => void) => Promise<void>;
}

export class World {
  readonly clock: ManualClock;
  readonly random: RandomBytes;
  readonly provider: Provider;
  readonly stores = memoryStores();
  readonly directory = new Directory();
  readonly community: Community & { readonly seed: Uint8Array };
  readonly routed: Envelope[] = [];
  readonly boxes = new Map<DeviceAddress, Envelope[]>();
  /** What went to a socket, as the gateway says. */
  readonly handed: EnvelopeId[] = [];
  readonly counts = new Map<string, number>();
  readonly warnings: string[] = [];
  readonly shelf: Shelf;
  /** What the router does with what devices send. */
  onRoute: Route['route'] = async () => {};
  readonly mailbox: Mailbox = {
    waiting: async (device) => [...(this.boxes.get(device) ?? [])],
    handed: ({ id }) => void this.handed.push(id),
    taken: async (device, { id }) => {
      const box = this.boxes.get(device) ?? [];
      this.boxes.set(
        device,
        box.filter((one) => one.id !== id),
      );
    },
  };
  readonly options: GatewayOptions;
  readonly gateway: Gateway;

  constructor(seed = 1, provider: Provider = selectProvider(), wall?: number) {
    this.clock = new ManualClock(wall);
    this.shelf = memberShelf(this.stores.members, this.clock);
    this.random = seededRandom(seed);
    this.provider = provider;
    const keySeed = this.random(COMPOSITE.seed);
    const publicKey = compositePublicKey(provider, keySeed);
    this.community = {
      server: SERVER,
      publicKey,
      hash: sha256(publicKey),
      sign: compositeSigner(provider, keySeed),
      seed: keySeed,
    };
    const { clock, random, directory, community, mailbox, stores } = this;
    this.options = {
      provider,
      clock,
      random,
      directory,
      community,
      mailbox,
      members: stores.members,
      invites: stores.invites,
      tickets: stores.tickets,
      route: {
        route: (envelope, origin) => {
          this.routed.push(envelope);
          return this.onRoute(envelope, origin);
        },
      },
      log: { info: () => {}, warn: (event, fields) => void this.warnings.push(`${event} ${JSON.stringify(fields)}`) },
      counters: counting((name, labels) => {
        const key = [name, ...Object.values(labels)].join(' ');
        this.counts.set(key, 1 + (this.counts.get(key) ?? 0));
      }),
    };
    this.gateway = new Gateway(this.options);
  }

  user(name = 'alice'): User {
    return new User(this.provider, this.random, `${name}@${SERVER}`);
  }

  async invite(user: User): Promise<Bytes> {
    const { stores, random, clock, community } = this;
    const options = { invites: stores.invites, random, clock, publicUrl: 'https://chat.orchid.example', community };
    return parseInvite((await makeInvite({ ...options, localpart: localpartOf(user.member) })).link).token;
  }

  wire(auto = true): Wire {
    const place = { silent: () => {}, heard: () => {}, greeted: () => {}, left: () => {} };
    return new Wire(auto, (socket) => void this.gateway.greet(socket, place));
  }

  credentials(device: Device): Credentials {
    return {
      identity: () => encodeIdentity(device.user.list, device.dik),
      bundle: () => undefined,
      sign: (message, context) => compositeSign(this.provider, device.dikSeed, message, context),
    };
  }

  /** Not connected yet. */
  app(device: Device, change: Partial<ConnectionOptions> & { auto?: boolean; onWire?: (wire: Wire) => void } = {}): App {
    const { auto = true, onWire, ...options } = change;
    const app: Omit<App, 'connection'> & { connection?: GatewayConnection } = {
      received: [],
      events: [],
      wires: [],
      ticket: undefined,
      prekeyHash: undefined,
      open: async () => {},
    };
    app.connection = openGateway({
      url: 'wss://chat.orchid.example/volly/v1',
      server: SERVER,
      communityKeyHash: this.community.hash,
      provider: this.provider,
      random: this.random,
      clock: this.clock,
      credentials: this.credentials(device),
      onSuccessor: async () => assert.fail('no other key was expected'),
      saveTicket: (ticket) => {
        app.ticket = ticket;
      },
      open: () => {
        const wire = this.wire(auto);
        onWire?.(wire);
        app.wires.push(wire);
        return wire.client;
      },
      onEnvelope: (envelope, taken) => {
        app.received.push(envelope);
        return app.open(envelope, taken);
      },
      onCaughtUp: () => void app.events.push('caught-up'),
      onDelivered: (offer) => void app.events.push(`delivered ${offer}`),
      onList: (list) => void app.events.push(`list ${toBase64url(sha256(list))}`),
      onShelved: (hash) => {
        app.prekeyHash = hash;
      },
      onState: (state) => {
        const cause = 'cause' in state && state.cause ? ` ${state.cause.code}` : '';
        app.events.push(state.kind + cause + (state.kind === 'online' && state.resumed ? ' resumed' : ''));
      },
      ...options,
    });
    return app as App;
  }

  /** Enrolled and online, with an empty mailbox. */
  async enrolled(name = 'alice', change: Parameters<World['app']>[1] = {}): Promise<{ user: User; device: Device; app: App }> {
    const user = this.user(name);
    const device = user.add('PHONE', this.clock.now());
    const app = this.app(device, { token: await this.invite(user), ...change });
    app.connection.connect();
    await this.until(() => app.events.includes('caught-up'));
    return { user, device, app };
  }

  /** Lets everything run until it holds; fails after many turns without a clock. */
  async until(holds: () => boolean): Promise<void> {
    for (let turn = 0; turn < 2_000; turn++) {
      if (holds()) return;
      await settle();
    }
    throw new Error('did not come to pass');
  }

  #serial = 0;

  /** A small envelope between two devices. */
  envelope(from: DeviceAddress, to: DeviceAddress): EnvelopeOf<'app.volly.call.hangup'> {
    const id = parseEnvelopeId(toBase64url(this.random(16)));
    const sealed = Uint8Array.of(++this.#serial >> 8, this.#serial & 255);
    return { id, type: 'app.volly.call.hangup', from, to, expires: this.clock.now() + 30_000, header: Uint8Array.of(1), sealed };
  }

  /** As the router does it: kept, then offered. */
  deliver(to: DeviceAddress, envelope: Envelope): void {
    this.boxes.set(to, [...(this.boxes.get(to) ?? []), envelope]);
    this.directory.deliver(to, envelope);
  }
}
