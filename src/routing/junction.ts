/** Puts the junction together and runs it. */
import type { Clock, RandomBytes } from '../clock.ts';
import type { DeviceAddress, ServerName } from '../ids.ts';
import type { Stores } from '../storage/types.ts';
import { Acks } from './acks.ts';
import { Arrivals } from './arrivals.ts';
import { OrderedCarriers } from './carriers.ts';
import { Ends } from './ends.ts';
import { Hellos } from './hellos.ts';
import { Inbox } from './inbox.ts';
import { Keys } from './keys.ts';
import { Lives } from './lives.ts';
import { Outbox } from './outbox.ts';
import { createPolicy, type PolicyOptions } from './policy.ts';
import type { Carrier, Counters, Doorway, Log, Mailbox, Route, Shelf } from './ports.ts';
import { Router } from './router.ts';
import { Sweeper } from './sweeper.ts';

export interface JunctionOptions {
  readonly own: ServerName;
  readonly stores: Pick<Stores, 'inbox' | 'outbox' | 'members'>;
  /** In the order they are tried. */
  readonly carriers: readonly Carrier[];
  readonly doorway: Doorway;
  readonly shelf: Shelf;
  readonly policy?: PolicyOptions;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly counters?: Counters;
  readonly log?: Log;
}

export interface Junction extends Route {
  readonly mailbox: Mailbox;
  /** For the operator: servers that envelopes wait for, and their bytes in memory. */
  load(): { readonly peers: number; readonly bytes: number };
  /** Goes on with what an earlier run left. Before the receiver and the gateway start. */
  start(): Promise<void>;
  /** After the receiver and the gateway have stopped, before the stores close. Loses nothing; takes at most some seconds. */
  stop(): Promise<void>;
}

const NO_COUNTERS: Counters = { count() {} };
const NO_LOG: Log = { info() {}, warn() {} };

export function createJunction(options: JunctionOptions): Junction {
  const { own, stores, doorway, clock, random, counters = NO_COUNTERS, log = NO_LOG } = options;
  const lives = new Lives(clock);
  const carrier = new OrderedCarriers(options.carriers, clock);
  const common = { own, lives, clock, random, counters, log };
  const inbox = new Inbox(stores.inbox, doorway, lives);
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
  const hellos = new Hellos({ ...common, outbox });
  const acks = new Acks({ ...common, outbox });
  const keys = new Keys(options.shelf, lives, clock, random);
  const arrivals = new Arrivals({ ...common, members: stores.members, inbox, outbox, ends, keys, hellos, doorway });
  const router = new Router({ ...common, inbox, policy: createPolicy(options.policy ?? {}), arrivals, outbox, acks });
  const sweeper = new Sweeper({ ...common, inbox: stores.inbox, outbox: stores.outbox, ends });

  return {
    mailbox: inbox,
    load: () => outbox.load,
    route: (envelope, origin) => router.route(envelope, origin),
    async start() {
      for (const peer of await outbox.start()) hellos.greet(peer);
      sweeper.start();
    },
    async stop() {
      await router.close();
      await sweeper.stop();
      acks.flush();
      await outbox.stop();
    },
  };
}
