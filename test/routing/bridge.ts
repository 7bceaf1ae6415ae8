/** A bridge's junction with its neighbours played by the test: apps that take what they get, a network, a shelf. */
import type { ErrorCode } from '../../src/errors.ts';
import {
  type DeviceAddress,
  deviceOf,
  type EnvelopeId,
  localpartOf,
  memberOf,
  newEnvelopeId,
  parseDeviceAddress,
  parseServerName,
  type ServerName,
} from '../../src/ids.ts';
import { decodeEnvelope, type Envelope, type EnvelopeOf, type EnvelopeType } from '../../src/protocol/envelope.ts';
import { createJunction, type Junction } from '../../src/routing/junction.ts';
import type { PolicyOptions } from '../../src/routing/policy.ts';
import type { Carrier, Steps } from '../../src/routing/ports.ts';
import { memoryStores } from '../../src/storage/memory/stores.ts';
import type { Stores } from '../../src/storage/types.ts';
import { type ManualClock, seededRandom } from '../support/clock.ts';
import { counting } from '../support/counting.ts';
import type { SimulatedNetwork } from '../support/simulated-carrier.ts';

export const orchid = parseServerName('orchid.example');
export const fern = parseServerName('fern.example');
export const moss = parseServerName('moss.example');
export const alice = parseDeviceAddress('alice@orchid.example/PHONE');
export const bob = parseDeviceAddress('bob@fern.example/PHONE');

const random = seededRandom(42);
const noBytes = Uint8Array.of(1);

export type Sealed =
  | 'app.volly.call.candidates'
  | 'app.volly.call.hangup'
  | 'app.volly.call.heartbeat'
  | 'app.volly.call.ringing'
  | 'app.volly.presence';

/** A message of a call, 25 s to live. */
export const message = (
  clock: ManualClock,
  changes: { from?: DeviceAddress; to?: DeviceAddress; type?: Sealed; expires?: number; bytes?: number } = {},
): EnvelopeOf<Sealed> => {
  const { from = alice, to = bob, type = 'app.volly.call.candidates', expires = clock.now() + 25_000, bytes = 30 } = changes;
  return { id: newEnvelopeId(random), type, from, to, expires, header: noBytes, sealed: new Uint8Array(bytes) };
};

export const offer = (clock: ManualClock, from = alice, to = bob): EnvelopeOf<'app.volly.call.offer'> => ({
  id: newEnvelopeId(random),
  type: 'app.volly.call.offer',
  from,
  to,
  expires: clock.now() + 60_000,
  header: noBytes,
  quantum_key: noBytes,
  sealed: noBytes,
  signature: noBytes,
});

export interface BridgeOptions {
  readonly server: ServerName;
  readonly clock: ManualClock;
  readonly networks: readonly SimulatedNetwork[];
  /** Instead of those of the networks. */
  readonly carriers?: readonly Carrier[];
  readonly devices?: readonly DeviceAddress[];
  readonly stores?: Stores;
  readonly policy?: PolicyOptions;
  readonly arrived?: () => Promise<void>;
  readonly steps?: Steps;
}

export class Bridge {
  readonly server: ServerName;
  readonly stores: Stores;
  readonly junction: Junction;
  /** What apps got, in order, also more than once. */
  readonly delivered: Envelope[] = [];
  /** Devices and their offers that other bridges have. */
  readonly told: string[] = [];
  /** Codes of what `route` refused from the network. */
  readonly refused: string[] = [];
  readonly counted = new Map<string, number>();
  readonly warned: string[] = [];
  readonly offline = new Set<DeviceAddress>();
  /** They get what comes, and their word of it is lost. */
  readonly unheard = new Set<DeviceAddress>();
  /** Localpart → bundles. */
  readonly shelf = new Map<string, readonly Uint8Array[]>();

  constructor(options: BridgeOptions) {
    const { server, clock, networks, devices = [], stores = memoryStores(), policy = {}, arrived, steps } = options;
    this.server = server;
    this.stores = stores;
    const carriers = options.carriers ?? networks.map((network) => network.carrier(server));
    this.junction = createJunction({
      own: server,
      stores,
      carriers,
      doorway: {
        deliver: (device, envelope) => void this.#deliver(device, envelope),
        delivered: (device, offer) => void this.told.push(`${device} ${offer}`),
      },
      shelf: { bundles: async (localpart) => this.shelf.get(localpart) ?? [] },
      policy,
      ...(arrived ? { arrived } : {}),
      ...(steps ? { steps } : {}),
      clock,
      random: seededRandom(server.length),
      counters: counting((name) => void this.counted.set(name, (this.counted.get(name) ?? 0) + 1)),
      log: { info: () => {}, warn: (event) => void this.warned.push(event) },
    });
    for (const network of networks) network.attach(server, (origin, _, encoded) => this.receive(origin, encoded));
    for (const device of devices) this.enrol(device);
  }

  receive(origin: ServerName, encoded: readonly string[]): void {
    for (const text of encoded)
      this.junction.route(decodeEnvelope(text), { kind: 'server', server: origin }).catch((error: { code?: string }) => {
        this.refused.push(error.code ?? String(error));
      });
  }

  send(envelope: Envelope): Promise<void> {
    return this.junction.route(envelope, { kind: 'device', device: envelope.from as DeviceAddress });
  }

  /** The device comes online and takes what waits. */
  async connect(device: DeviceAddress): Promise<void> {
    this.offline.delete(device);
    for (const envelope of await this.junction.mailbox.waiting(device)) await this.#deliver(device, envelope);
  }

  /** How often an app got the envelope. */
  got(id: EnvelopeId): number {
    return this.delivered.filter((envelope) => envelope.id === id).length;
  }

  /** Reasons that apps here were told for an envelope of theirs. */
  ends(id: EnvelopeId): readonly ErrorCode[] {
    return this.delivered.flatMap((envelope) =>
      envelope.type === 'app.volly.undeliverable' && envelope.envelope === id ? [envelope.reason as ErrorCode] : [],
    );
  }

  async #deliver(device: DeviceAddress, envelope: Envelope): Promise<void> {
    if (this.offline.has(device)) return;
    this.junction.mailbox.handed(envelope);
    this.delivered.push(envelope);
    if (this.unheard.has(device)) return;
    await this.junction.mailbox.taken(device, envelope);
  }

  enrol(device: DeviceAddress): void {
    const member = localpartOf(memberOf(device));
    const row = { member, device: deviceOf(device), key: noBytes };
    void this.stores.members.add(member, 'enhanced');
    void this.stores.members.setList(member, { version: 1, hash: noBytes, bytes: noBytes, devices: [row] });
  }
}

/** Orchid with Alice and Fern with Bob, started. */
export async function pair(clock: ManualClock, ...networks: readonly SimulatedNetwork[]): Promise<{ a: Bridge; b: Bridge }> {
  const a = new Bridge({ server: orchid, clock, networks, devices: [alice] });
  const b = new Bridge({ server: fern, clock, networks, devices: [bob] });
  await Promise.all([a.junction.start(), b.junction.start()]);
  return { a, b };
}

/** Alice's bridge while it wakes Fern, for which an offer waits: `resolve` ends that attempt. */
export async function wakingFern(clock: ManualClock, network: SimulatedNetwork) {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  network.attach(fern, () => {});
  const carriers = [{ ...network.carrier(orchid), wake: () => promise }];
  const a = new Bridge({ server: orchid, clock, networks: [], carriers, devices: [alice] });
  await a.junction.start();
  await a.send(offer(clock));
  await clock.advance(3_000);
  return { a, resolve };
}

/** Stores of a process that can be killed: from then on none of its calls does anything or comes back; `survivors` are for its successor. */
export function mortal(survivors: Stores = memoryStores()): {
  stores: Stores;
  survivors: Stores;
  kill(): void;
  killAt(method: string): void;
} {
  let dead = false;
  let last: string | undefined;
  const guard = <T extends object>(store: T): T =>
    new Proxy(store, {
      get(target, name) {
        const method = Reflect.get(target, name) as (...args: unknown[]) => Promise<unknown>;
        return (...args: unknown[]) => {
          dead ||= name === last;
          return dead ? new Promise(() => {}) : method.apply(target, args);
        };
      },
    });
  const { inbox, outbox, facts } = survivors;
  return {
    stores: { ...survivors, inbox: guard(inbox), outbox: guard(outbox), facts: guard(facts) },
    survivors,
    kill: () => {
      dead = true;
    },
    /** Just before the next call of it. */
    killAt: (method) => {
      last = method;
    },
  };
}

export const eventsOf = (network: SimulatedNetwork, type: EnvelopeType) => network.sent.filter((event) => event.type === type);
