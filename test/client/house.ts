/**
 * Two communities in one process with everything but a homeserver: clients, wires, gateways, junctions, and a simulated network between
 * them. The clock stands; an app can be killed and started again on its store.
 */
import { VollyClient } from '../../src/client/client.ts';
import { MemoryStore } from '../../src/client/store.ts';
import { COMPOSITE, compositePublicKey, compositeSigner } from '../../src/crypto/composite.ts';
import { sha256 } from '../../src/crypto/hash.ts';
import { selectProvider } from '../../src/crypto/select.ts';
import { Directory } from '../../src/gateway/directory.ts';
import { makeInvite } from '../../src/gateway/invite.ts';
import { Gateway } from '../../src/gateway/server.ts';
import { memberShelf } from '../../src/gateway/shelf.ts';
import { localpartOf, parseMemberId, parseServerName, serverOf } from '../../src/ids.ts';
import { LIMITS } from '../../src/limits.ts';
import { decodeEnvelope, type Envelope, type EnvelopeType } from '../../src/protocol/envelope.ts';
import { signSuccessor } from '../../src/protocol/successor.ts';
import { createJunction, type Junction } from '../../src/routing/junction.ts';
import { memoryStores } from '../../src/storage/memory/stores.ts';
import { Wire } from '../gateway/wire.ts';
import { ManualClock, seededRandom, settle } from '../support/clock.ts';
import { counting } from '../support/counting.ts';
import { SimulatedNetwork } from '../support/simulated-carrier.ts';
import { Watcher } from './world.ts';

const provider = selectProvider();
const PLACE = { silent: () => {}, heard: () => {}, greeted: () => {}, left: () => {} };
let seeds = 1_000;

export class House {
  readonly clock = new ManualClock();
  readonly network = new SimulatedNetwork(this.clock);
  readonly #communities = new Map<string, Community>();

  async app(member: string): Promise<App> {
    const server = serverOf(parseMemberId(member));
    const community = this.#communities.get(server) ?? new Community(this, server);
    this.#communities.set(server, community);
    const app = new App(this, community, member);
    await app.start();
    return app;
  }

  /** Time goes on until it holds. */
  async until(what: string, holds: () => boolean, ms = 10_000): Promise<void> {
    for (let spent = 0; !holds(); spent += 10) {
      if (spent > ms) throw new Error(`not within ${ms} ms: ${what}`);
      await this.clock.advance(10);
    }
  }
}

export class Community {
  gateway: Gateway;
  readonly junction: Junction;
  /** Events of these types stay on their way, and arrive with `release`. */
  readonly held = new Set<EnvelopeType>();
  /** What came from the other community. */
  readonly arrived: Envelope[] = [];
  #late: (() => void)[] = [];
  readonly #house: House;
  readonly #invite: (member: string) => Promise<string>;
  readonly #goOver: (keepsOld: boolean) => Promise<void>;

  constructor(house: House, name: string) {
    const { clock, network } = house;
    const [server, random, stores, directory] = [parseServerName(name), seededRandom(seeds++), memoryStores(), new Directory()];
    const shelf = memberShelf(stores.members, clock);
    const makeKey = (successors: readonly Uint8Array[] = []) => {
      const seed = random(COMPOSITE.seed);
      const publicKey = compositePublicKey(provider, seed);
      return { server, publicKey, hash: sha256(publicKey), sign: compositeSigner(provider, seed), successors };
    };
    let community = makeKey();
    this.#house = house;
    this.junction = createJunction({
      ...{ own: server, stores, carriers: [network.carrier(server)], doorway: directory, shelf, clock, random },
    });
    void this.junction.start();
    network.attach(server, (origin, type, encoded) => {
      const arrive = () => {
        // What is refused is another test's business.
        for (const envelope of encoded.map(decodeEnvelope)) {
          this.arrived.push(envelope);
          this.junction.route(envelope, { kind: 'server', server: origin }).catch(() => {});
        }
      };
      if (this.held.has(type)) this.#late.push(arrive);
      else arrive();
    });
    const { members, invites, tickets } = stores;
    const open = () =>
      new Gateway({
        ...{ provider, clock, random, directory, community, members, invites, tickets },
        ...{ mailbox: this.junction.mailbox, route: this.junction },
        log: { info: () => {}, warn: () => {} },
        counters: counting(),
      });
    this.gateway = open();
    const options = { invites, random, clock, publicUrl: 'https://chat.example' };
    this.#invite = async (member) =>
      (await makeInvite({ ...options, community, localpart: localpartOf(parseMemberId(member)) })).link;
    this.#goOver = async (keepsOld) => {
      const { publicKey: oldKey, sign, successors } = community;
      const next = makeKey();
      const step = signSuccessor({ server, oldKey, sign, newKey: next.publicKey, time: clock.now() });
      community = keepsOld ? { ...next, successors: [...successors, step].slice(-LIMITS.communitySuccessors) } : next;
      const stopped = this.gateway.stop();
      await clock.advance(3_000);
      await stopped;
      await tickets.revokeAll();
      this.gateway = open();
    };
  }

  /** As `volly-bridge key rotate` between a stop and a start. */
  rotate(): Promise<void> {
    return this.#goOver(true);
  }

  /** Its key's file was lost, and it has made another one. */
  loseKey(): Promise<void> {
    return this.#goOver(false);
  }

  invite(member: string): Promise<string> {
    return this.#invite(member);
  }

  async release(): Promise<void> {
    this.held.clear();
    for (const arrive of this.#late.splice(0)) arrive();
    await this.#house.clock.advance(1_000);
  }
}

export class App {
  readonly member: string;
  readonly community: Community;
  readonly wires: Wire[] = [];
  client!: VollyClient;
  watcher!: Watcher;
  readonly #house: House;
  readonly #store = new MemoryStore();
  #run = 0;

  constructor(house: House, community: Community, member: string) {
    this.#house = house;
    this.community = community;
    this.member = member;
  }

  async start(): Promise<void> {
    const run = this.#run;
    const starting = VollyClient.connect({
      ...{ store: this.#store, clock: this.#house.clock, random: seededRandom(seeds++), device: 'PHONE' },
      invite: await this.community.invite(this.member),
      socket: () => {
        // Of a process that is dead nothing connects any more.
        if (run !== this.#run) throw new Error('killed');
        const wire = new Wire(true, (socket) => void this.community.gateway.greet(socket, PLACE));
        this.wires.push(wire);
        return wire.client;
      },
    });
    this.client = await starting;
    this.watcher = new Watcher(this.client);
    for (let turn = 0; turn < 20; turn++) await settle();
    await this.#house.clock.advance(0);
  }

  /** As SIGKILL: nothing is said, and what was in memory is gone. */
  kill(): void {
    this.#run++;
    this.wires.at(-1)?.sever();
  }

  /** The network vanishes without a word to either end: the wire stays open and carries nothing. */
  vanish(): void {
    const wire = this.wires.at(-1);
    if (!wire) throw new Error('no wire');
    wire.tamper = () => undefined;
    // A close would not arrive either.
    wire.gateway.close = () => {};
  }

  get rings(): number {
    return this.watcher.incoming.length;
  }
}
