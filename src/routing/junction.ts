/** Puts the junction together and runs it. */
import type { Clock, RandomBytes } from '../clock.ts';
import type { DeviceAddress, MemberId, ServerName } from '../ids.ts';
import type { Stores } from '../storage/types.ts';
import { Acks } from './acks.ts';
import { Arrivals } from './arrivals.ts';
import { OrderedCarriers } from './carriers.ts';
import { Ends } from './ends.ts';
import { Greeter } from './greeter.ts';
import { Hellos } from './hellos.ts';
import { Inbox } from './inbox.ts';
import { Keys } from './keys.ts';
import { Lives } from './lives.ts';
import { Outbox } from './outbox.ts';
import { Peers } from './peers.ts';
import type { PolicyOptions } from './policy.ts';
import type { Carrier, Counters, Doorway, JunctionCounts, Log, Mailbox, PeerState, Route, Shelf, Steps } from './ports.ts';
import { Router } from './router.ts';
import { Rules } from './rules.ts';
import { Sweeper } from './sweeper.ts';

export interface JunctionOptions {
  readonly own: ServerName;
  readonly stores: Pick<Stores, 'inbox' | 'outbox' | 'members' | 'peers' | 'facts'>;
  /** In the order they are tried. */
  readonly carriers: readonly Carrier[];
  readonly doorway: Doorway;
  readonly shelf: Shelf;
  readonly policy?: PolicyOptions;
  /** Resolves once what receivers have journaled by now was routed: what waits for a device is read after that. */
  readonly arrived?: () => Promise<void>;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly counters?: Counters;
  readonly log?: Log;
  readonly steps?: Steps;
}

export interface Junction extends Route {
  readonly mailbox: Mailbox;
  /** For the operator: servers that envelopes wait for, and their bytes in memory. */
  load(): { readonly peers: number; readonly bytes: number };
  /** For the operator: communities that something waits for or whose bridges have spoken to this one, last heard first. */
  peers(): readonly PeerState[];
  /** For the operator: how full everything is. Throws `database`. */
  counts(): Promise<JunctionCounts>;
  /** The homeserver is back: sends what waits, and says hello to every known peer, some each second, as at the start and each hour. */
  greet(): void;
  /** From now on these are the operator's rules. What waits for a community that they deny ends `unconfirmed`, as at the start. */
  setPolicy(policy: PolicyOptions): void;
  /** By these rules and `block`. */
  isAllowed(server: ServerName): boolean;
  /** Shuts a community out beside the rules, over restarts, or lets it in again. False when it was so already. Throws `database`. */
  block(server: ServerName, blocked: boolean): Promise<boolean>;
  /** Tries to reach a community now. True when its server answered; what waits for it is sent then. */
  wake(peer: ServerName): Promise<boolean>;
  /** Of a member who is gone: what it sent gets 2 s to leave, then it is forgotten here without a word. Its rows are the store's to remove. */
  forget(member: MemberId): Promise<void>;
  /** Goes on with what an earlier run left. Before the receiver and the gateway start. */
  start(): Promise<void>;
  /** After the receiver and the gateway have stopped, before the stores close. Loses nothing; takes at most some seconds. */
  stop(): Promise<void>;
}

/** The fact that says how far the clock of the rows has come. */
const ROW_TIME = 'row_time';
/** The goodbyes of a member who is removed: as long as two round trips that go well. */
const FAREWELL_MS = 2_000;
const NO_WAIT = async (): Promise<void> => {};
const NO_COUNTERS: Counters = { count() {}, observe() {} };
const NO_LOG: Log = { info() {}, warn() {} };
const NO_STEPS: Steps = { step() {} };

export function createJunction(options: JunctionOptions): Junction {
  const {
    own,
    stores,
    doorway,
    clock,
    random,
    arrived = NO_WAIT,
    counters = NO_COUNTERS,
    log = NO_LOG,
    steps = NO_STEPS,
  } = options;
  const lives = new Lives(clock);
  const carrier = new OrderedCarriers(options.carriers, clock, counters);
  const rules = new Rules(stores.peers, clock, options.policy ?? {});
  const policy = rules.allow;
  const common = { own, policy, lives, clock, random, counters, log, steps };
  const inbox = new Inbox({ store: stores.inbox, doorway, lives, clock, steps, arrived });
  const outbox: Outbox = new Outbox({
    ...common,
    store: stores.outbox,
    carrier,
    ended: (entry, reason) => ends.tellIfRoom(entry, reason),
    delivered: ({ from, id }) => doorway.delivered(from as DeviceAddress, id),
    woken: (peer) => {
      log.info('peer_woken', { peer });
      hellos.greet(peer);
    },
  });
  const ends = new Ends({ ...common, inbox, outbox });
  const peers = new Peers({ ...common, store: stores.peers });
  const hellos = new Hellos({ ...common, outbox, peers });
  const acks = new Acks({ ...common, outbox });
  const keys = new Keys(options.shelf, lives, clock, random);
  const arrivals = new Arrivals({ ...common, members: stores.members, inbox, outbox, ends, keys, hellos, doorway });
  const router = new Router({ ...common, inbox, arrivals, outbox, acks, peers });
  const states = (): readonly PeerState[] => peers.states(outbox.states);
  const greeter = new Greeter({
    ...common,
    peers: () =>
      states()
        .map(({ server }) => server)
        .filter(policy),
    greet: (peer) => hellos.greet(peer),
  });
  const keepTime = () => stores.facts.set(ROW_TIME, String(lives.now()));
  const sweeper = new Sweeper({ ...common, keepTime, store: stores.inbox, inbox, outbox: stores.outbox, ends });

  return {
    mailbox: inbox,
    load: () => outbox.load,
    peers: states,
    counts: async () => {
      const { waiting, seen } = await stores.inbox.counts();
      const rows = outbox.states.reduce((sum, state) => sum + state.waiting, 0);
      return { outbox: rows, outboxBytes: outbox.load.bytes, inbox: waiting, seen, acks: acks.pending, peers: peers.size };
    },
    greet: () => {
      outbox.resendAll();
      greeter.begin();
    },
    setPolicy: (configured) => {
      rules.configure(configured);
      outbox.policyChanged();
    },
    isAllowed: policy,
    async block(server, blocked) {
      const changed = await rules.block(server, blocked);
      outbox.policyChanged();
      return changed;
    },
    async wake(peer) {
      const answered = await carrier.wake(peer);
      if (answered) outbox.resend(peer);
      if (answered) hellos.greet(peer);
      return answered;
    },
    async forget(member) {
      const isOwn = (from: string): boolean => from === member || from.startsWith(`${member}/`);
      const end = clock.monotonic() + FAREWELL_MS;
      while (outbox.holds(isOwn) && clock.monotonic() < end) await new Promise<void>((resolve) => clock.after(50, resolve));
      outbox.forget(isOwn);
    },
    route: (envelope, origin) => router.route(envelope, origin),
    async start() {
      lives.goOnFrom(Number((await stores.facts.get(ROW_TIME)) ?? 0));
      await peers.start();
      await rules.start();
      await outbox.start();
      greeter.begin();
      sweeper.start();
    },
    async stop() {
      greeter.stop();
      await router.close();
      await sweeper.stop();
      await keepTime().catch(() => {}); // a minute ago it was kept too
      acks.flush();
      await outbox.stop();
      await peers.stop();
    },
  };
}
