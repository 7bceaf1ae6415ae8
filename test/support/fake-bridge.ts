/**
 * All communities' bridges in one object, for clients in one process: it shelves bundles, answers key queries, keeps what waits for a
 * device until it is taken or expires, and loses, repeats and delays what it is told to. It speaks the connection's interface, so no
 * socket and no handshake is in the way.
 */
import type { Bytes } from '../../src/bytes.ts';
import type { ConnectionOptions, ConnectionState, GatewayConnection } from '../../src/client/connection-types.ts';
import type { Clock } from '../../src/clock.ts';
import { sha256 } from '../../src/crypto/hash.ts';
import { VollyError } from '../../src/errors.ts';
import {
  type DeviceAddress,
  deviceAddress,
  deviceOf,
  type EnvelopeId,
  type MemberId,
  memberOf,
  newEnvelopeId,
  serverOf,
} from '../../src/ids.ts';
import { decodeBundle } from '../../src/protocol/bundle.ts';
import { decodeEnvelope, type Envelope, encodeEnvelope } from '../../src/protocol/envelope.ts';
import type { Signed } from '../../src/protocol/list.ts';
import { seeded, seededRandom } from './clock.ts';

/** What happens to an envelope on its way: undefined = it arrives; a number is a delay in milliseconds. */
export type Fate = 'lost' | 'twice' | number | undefined;

interface Shelved {
  readonly list: Signed & { readonly version: number };
  readonly bundles: Map<string, Bytes>;
}

export class FakeBridge {
  readonly clock: Clock;
  /** Everything that was sent, in order. */
  readonly sent: Envelope[] = [];
  fate: (envelope: Envelope) => Fate = () => undefined;
  readonly random = seededRandom(77);
  readonly #connections = new Map<DeviceAddress, FakeConnection>();
  readonly #away = new Map<DeviceAddress, FakeConnection>();
  readonly #inboxes = new Map<DeviceAddress, Envelope[]>();
  readonly #shelf = new Map<MemberId, Shelved>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** For `connect({ gateway })`. */
  readonly gateway = (options: ConnectionOptions): GatewayConnection => new FakeConnection(this, options);

  /** Faults drawn from a seed. */
  chaos(seed: number, rates: { lost?: number; twice?: number; delayed?: number; delayMs?: number }): void {
    const next = seeded(seed);
    this.fate = () => {
      const draw = next();
      if (draw < (rates.lost ?? 0)) return 'lost';
      if (draw < (rates.lost ?? 0) + (rates.twice ?? 0)) return 'twice';
      return next() < (rates.delayed ?? 0) ? Math.round(next() * (rates.delayMs ?? 1_000)) : undefined;
    };
  }

  /** The types sent since `from`, without `app.volly.`. */
  types(from = 0): string[] {
    return this.sent.slice(from).map(({ type }) => type.slice('app.volly.'.length));
  }

  bundlesOf(member: MemberId): readonly Bytes[] {
    return [...(this.#shelf.get(member)?.bundles.values() ?? [])];
  }

  /** Puts bundles on a member's shelf that its devices did not publish, as a hostile bridge would. */
  plant(member: MemberId, bundles: readonly Bytes[]): void {
    const list = { bytes: new Uint8Array(), signature: new Uint8Array(), version: 0 };
    this.#shelf.set(member, { list, bundles: new Map(bundles.map((bundle, i) => [String(i), bundle])) });
  }

  /** Cuts a device off; it comes back with `online`. */
  offline(address: DeviceAddress): void {
    const connection = this.#connections.get(address);
    if (!connection) throw new Error(`${address} is not connected`);
    this.#away.set(address, connection);
    connection.cut();
  }

  online(address: DeviceAddress): void {
    const connection = this.#away.get(address);
    if (!connection) throw new Error(`${address} was not cut off`);
    this.#away.delete(address);
    connection.connect();
  }

  /** As if it came from `from`'s community now; replays are made of it. */
  inject(envelope: Envelope): void {
    this.#arrive(decodeEnvelope(encodeEnvelope(envelope)));
  }

  // For FakeConnection.

  join(connection: FakeConnection): void {
    this.#connections.set(connection.address, connection);
  }

  leave(connection: FakeConnection): void {
    if (this.#connections.get(connection.address) === connection) this.#connections.delete(connection.address);
  }

  waiting(address: DeviceAddress): readonly Envelope[] {
    return (this.#inboxes.get(address) ?? []).filter(({ expires }) => expires >= this.clock.now());
  }

  taken(address: DeviceAddress, envelope: Envelope): void {
    const inbox = this.#inboxes.get(address) ?? [];
    this.#inboxes.set(
      address,
      inbox.filter((one) => one !== envelope),
    );
  }

  publish(bytes: Bytes): Shelved {
    const { identity, prekey } = decodeBundle(bytes);
    const old = this.#shelf.get(identity.member);
    const newer = !old || identity.version > old.list.version;
    const list = newer ? { ...identity.signed, version: identity.version } : old.list;
    const shelved = { list, bundles: new Map(old?.bundles).set(prekey.device, bytes) };
    this.#shelf.set(identity.member, shelved);
    if (!newer || !old) return shelved;
    const listed = new Set<string>(identity.entries.map(({ device }) => device));
    // Those that were planted are under no device's name.
    for (const device of shelved.bundles.keys()) if (/^[A-Z]/.test(device) && !listed.has(device)) shelved.bundles.delete(device);
    for (const [address, connection] of this.#connections)
      if (memberOf(address) !== identity.member || address === deviceAddress(identity.member, prekey.device)) continue;
      else if (listed.has(deviceOf(address))) connection.list(list);
      else connection.close(new VollyError('not_enrolled'));
    return shelved;
  }

  route(envelope: Envelope): void {
    this.sent.push(envelope);
    const fate = this.fate(envelope);
    if (fate === 'lost') return;
    if (envelope.type === 'app.volly.keys.query') {
      this.#answer(envelope);
      return;
    }
    const copies = fate === 'twice' ? 2 : 1;
    for (let i = 0; i < copies; i++)
      if (typeof fate === 'number') this.clock.after(fate, () => this.#arrive(envelope));
      else queueMicrotask(() => this.#arrive(envelope));
  }

  #answer({ from, to, request }: Extract<Envelope, { type: 'app.volly.keys.query' }>): void {
    const bundles = this.bundlesOf(to);
    const common = { type: 'app.volly.keys.bundle', from: to, to: from, request, count: bundles.length } as const;
    const expires = this.clock.now() + 10_000;
    const answers = bundles.length > 0 ? bundles.map((bundle, index) => ({ index, bundle })) : [{ index: 0 }];
    for (const answer of answers)
      queueMicrotask(() => this.#arrive({ id: newEnvelopeId(this.random), ...common, expires, ...answer }));
  }

  #arrive(envelope: Envelope): void {
    const to = envelope.to as DeviceAddress;
    const inbox = this.#inboxes.get(to) ?? [];
    // A copy is its own object: it is told apart by what the client does with it.
    const copy = { ...envelope };
    this.#inboxes.set(to, [...inbox, copy]);
    this.#connections.get(to)?.deliver(copy);
    if (envelope.type !== 'app.volly.call.offer') return;
    this.#connections.get(envelope.from)?.delivered(envelope.id);
    this.clock.after(envelope.expires - this.clock.now(), () => {
      if (!this.#inboxes.get(to)?.includes(copy)) return;
      this.taken(to, copy);
      const from = serverOf(memberOf(to));
      const told = { id: newEnvelopeId(this.random), type: 'app.volly.undeliverable', from, to: envelope.from } as const;
      this.#arrive({ ...told, expires: this.clock.now() + 30_000, envelope: envelope.id, reason: 'undeliverable' });
    });
  }
}

class FakeConnection implements GatewayConnection {
  readonly #bridge: FakeBridge;
  readonly #options: ConnectionOptions;
  #address: DeviceAddress | undefined;
  #state: ConnectionState = { kind: 'offline' };

  constructor(bridge: FakeBridge, options: ConnectionOptions) {
    this.#bridge = bridge;
    this.#options = options;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  get address(): DeviceAddress {
    return this.#address as DeviceAddress;
  }

  connect(): void {
    const bundle = this.#options.credentials.bundle() as Bytes;
    const { identity, prekey, signedPrekey } = decodeBundle(bundle);
    this.#address = deviceAddress(identity.member, prekey.device);
    this.#become({ kind: 'connecting' });
    queueMicrotask(() => {
      const shelved = this.#bridge.publish(bundle);
      this.#bridge.join(this);
      if (shelved.list.version > identity.version) this.list(shelved.list);
      this.#options.onShelved?.(sha256(signedPrekey.bytes));
      this.#become({ kind: 'online', resumed: false });
      for (const envelope of this.#bridge.waiting(this.address)) this.deliver(envelope);
      this.#options.onCaughtUp?.();
    });
  }

  reconnect(): void {
    this.cut();
    this.connect();
  }

  now(): number {
    return this.#bridge.clock.now();
  }

  async sendEnvelope(envelope: Envelope): Promise<void> {
    const wire = decodeEnvelope(encodeEnvelope(envelope));
    if (this.#state.kind !== 'online') throw new VollyError('not_connected');
    this.#bridge.route(wire);
  }

  async publish(bundle: Uint8Array): Promise<void> {
    this.#bridge.publish(bundle as Bytes);
  }

  close(cause?: VollyError): void {
    this.cut();
    this.#become({ kind: 'closed', ...(cause && { cause }) });
  }

  cut(): void {
    this.#bridge.leave(this);
    this.#become({ kind: 'offline' });
  }

  list({ bytes, signature }: Signed): void {
    this.#options.onList?.(bytes, signature);
  }

  delivered(offer: EnvelopeId): void {
    this.#options.onDelivered?.(offer);
  }

  deliver(envelope: Envelope): void {
    const taken = () => this.#bridge.taken(this.address, envelope);
    this.#options.onEnvelope(envelope, taken).then(taken, (error) => {
      if (!(error instanceof VollyError)) throw error;
    });
  }

  #become(state: ConnectionState): void {
    this.#state = state;
    this.#options.onState?.(state);
  }
}
