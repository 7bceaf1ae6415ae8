/** What every receiver keeps, against every homeserver. Used with the fake one here and with real Synapses in test/federation. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Clock, systemClock, systemRandom } from '../../src/clock.ts';
import { VollyError } from '../../src/errors.ts';
import { newEnvelopeId, type ServerName } from '../../src/ids.ts';
import type { HomeserverClient } from '../../src/matrix/client.ts';
import { type Access, RECEIVER, SyncReceiver } from '../../src/matrix/receiver.ts';
import type { Envelope } from '../../src/protocol/envelope.ts';
import type { Counters, Log, Origin, Route } from '../../src/routing/ports.ts';
import { memoryStores } from '../../src/storage/memory/stores.ts';
import type { Stores } from '../../src/storage/types.ts';
import { mustBeKnown } from '../support/counting.ts';

/** A homeserver with the bridge user on it, and a peer whose bridge user can send to it. */
export interface ReceiverWorld {
  readonly server: ServerName;
  readonly peer: ServerName;
  readonly client: HomeserverClient;
  readonly access: Access;
  fromPeer(type: string, content: unknown): Promise<void>;
  /** From a user of the peer's server that is not its bridge user. */
  fromStranger(type: string, content: unknown): Promise<void>;
  stopHomeserver(): Promise<void>;
  startHomeserver(): Promise<void>;
  /** Copies the homeserver's database; calling the result puts the copy back. Both only while it is stopped. */
  backup(): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

export const HELLO = 'app.volly.hello';

export const hello = (from: ServerName, to: ServerName): Record<string, unknown> => ({
  id: newEnvelopeId(systemRandom),
  type: HELLO,
  from,
  to,
  expires: Date.now() + 60_000,
  time: Date.now(),
  reply: false,
});

export async function until(what: string, condition: () => boolean, ms = 15_000): Promise<void> {
  const end = Date.now() + ms;
  while (!condition()) {
    if (Date.now() > end) assert.fail(`not within ${ms} ms: ${what}`);
    await sleep(5);
  }
}

/** Collects what is routed; `refuse` may throw first, as a router would. */
export class RecordingRoute implements Route {
  readonly routed: { id: string; origin: Origin }[] = [];
  refuse: (envelope: Envelope) => void = () => {};

  get ids(): string[] {
    return this.routed.map(({ id }) => id);
  }

  /** As the router, which knows the ids it has seen. */
  get firstTimes(): string[] {
    return [...new Set(this.ids)];
  }

  async route(envelope: Envelope, origin: Origin): Promise<void> {
    this.refuse(envelope);
    this.routed.push({ id: envelope.id, origin });
  }
}

type Fields = Readonly<Record<string, string | number>>;

/** What the operator would see. */
export class Lines implements Counters, Log {
  readonly lines: string[] = [];
  /** `sync_failed database` → how often. */
  readonly counts = new Map<string, number>();
  info(event: string, fields: Fields = {}): void {
    this.lines.push([event, ...Object.values(fields)].join(': '));
  }
  warn(event: string, fields?: Fields): void {
    this.info(event, fields);
  }
  observe(name: string, _value: number, labels: Readonly<Record<string, string>> = {}): void {
    mustBeKnown('histogram', name, labels);
  }
  count(name: string, labels: Readonly<Record<string, string>> = {}): void {
    mustBeKnown('counter', name, labels);
    const key = [name, ...Object.values(labels)].join(' ');
    this.counts.set(key, (this.counts.get(key) ?? 0) + 1);
  }
}

export const silent = new Lines();

export interface Bench {
  readonly receiver: SyncReceiver;
  readonly route: RecordingRoute;
  readonly report: Lines;
  readonly stores: Stores;
  readonly fatal: VollyError[];
}

/** For a client that needs none, or gets none. */
export const NO_ACCESS: Access = { prepare: async () => {}, doubt: async () => {}, prove: async () => {} };

type Parts = Pick<ReceiverWorld, 'server' | 'client' | 'access'> & { readonly clock?: Clock };

/** `stores` and `route` of an earlier one make it the same bridge after a restart. */
export function bench(world: Parts, { stores = memoryStores(), route = new RecordingRoute() }: Partial<Bench> = {}): Bench {
  const report = new Lines();
  const fatal: VollyError[] = [];
  const { server, client, access, clock = systemClock } = world;
  const { journal, quarantine } = stores;
  const onFatal = (error: VollyError): void => void fatal.push(error);
  const receiver = new SyncReceiver({
    client,
    server,
    journal,
    quarantine,
    route,
    clock,
    counters: report,
    log: report,
    access,
    onFatal,
    onBack: () => void report.counts.set('back', (report.counts.get('back') ?? 0) + 1),
  });
  return { receiver, route, report, stores, fatal };
}

export function receiverContract(name: string, open: () => Promise<ReceiverWorld>): void {
  describe(`receiver contract: ${name}`, () => {
    let world: ReceiverWorld;
    let open_: Bench[] = [];
    const started = async (parts?: Partial<Bench>): Promise<Bench> => {
      const one = bench(world, parts);
      open_.push(one);
      await one.receiver.start();
      return one;
    };
    const send = async (count: number): Promise<string[]> => {
      const sent = Array.from({ length: count }, () => hello(world.peer, world.server));
      for (const envelope of sent) await world.fromPeer(HELLO, { envelopes: [envelope] });
      return sent.map((envelope) => String(envelope['id']));
    };

    before(async () => {
      world = await open();
    });
    afterEach(async () => {
      // So that the request is out which lets the homeserver forget: what it brings again belongs to no other test.
      await sleep(50);
      for (const one of open_) await one.receiver.stop();
      open_ = [];
    });
    after(() => world?.close());

    it('brings envelopes in order, with the server they came from', async () => {
      const { receiver, route } = await started();
      await until('ready', () => receiver.state.ready);
      const sent = await send(5);
      await until('all', () => route.routed.length === 5);
      assert.deepEqual(route.ids, sent);
      assert.deepEqual(route.routed[0]?.origin, { kind: 'server', server: world.peer });
      assert.ok(Date.now() - (receiver.state.lastSyncAt ?? 0) < 10_000);
    });

    it('is ready once it has heard itself, of which neither the router nor the journal hears', async () => {
      const stores = memoryStores();
      stores.journal.append = () => assert.fail('journaled');
      const { receiver, route, report } = await started({ stores });
      await until('ready', () => receiver.state.ready);
      assert.ok((receiver.state.lagMs ?? -1) >= 0);
      assert.deepEqual(route.routed, []);
      assert.deepEqual([...report.counts], []);
    });

    it('brings many envelopes of one event', async () => {
      const { route } = await started();
      const envelopes = Array.from({ length: 50 }, () => hello(world.peer, world.server));
      await world.fromPeer(HELLO, { envelopes });
      await until('all', () => route.routed.length === 50);
      assert.deepEqual(
        route.ids,
        envelopes.map(({ id }) => id),
      );
    });

    it('drops what is not from a bridge user (R10), and counts it', async () => {
      const { route, report, stores } = await started();
      await world.fromStranger(HELLO, { envelopes: [hello(world.peer, world.server)] });
      const sent = await send(1);
      await until('the good one', () => route.routed.length > 0);
      await until('counted', () => report.counts.get('inbound_dropped sender') === 1);
      assert.deepEqual(route.ids, sent);
      assert.equal(await stores.quarantine.count(), 0);
    });

    it('quarantines a bad envelope and routes the good ones beside it', async () => {
      const { route, report, stores } = await started();
      const good = hello(world.peer, world.server);
      await world.fromPeer(HELLO, { envelopes: [{ ...good, id: 'short' }, 7, good, { ...good, type: 'app.volly.ack' }] });
      await world.fromPeer(HELLO, { envelopes: 'none' });
      await world.fromPeer('app.volly.unheard.of', { envelopes: [good] });
      const [last] = await send(1);
      await until('the last', () => route.ids.at(-1) === last);
      assert.deepEqual(route.ids, [good['id'], last]);
      await until('counted', () => report.counts.get('inbound_refused wrong_type') === 1);
      assert.equal(await stores.quarantine.count(), 5);
    });

    it('quarantines what the router refuses and goes on', async () => {
      const { route, stores } = await started();
      route.refuse = () => {
        route.refuse = () => {};
        throw new VollyError('wrong_sender');
      };
      const sent = await send(2);
      await until('the second', () => route.routed.length === 1);
      assert.deepEqual(route.ids, sent.slice(1));
      assert.equal(await stores.quarantine.count(), 1);
    });

    it('does not quarantine what says nothing about the content', async () => {
      const { route, report, stores } = await started();
      route.refuse = () => {
        throw new VollyError('clock_skew');
      };
      await send(2);
      await until('both', () => report.counts.get('inbound_refused clock_skew') === 2);
      route.refuse = () => {};
      await send(1);
      await until('the third', () => route.routed.length === 1);
      assert.equal(await stores.quarantine.count(), 0);
    });

    it('outlives a bug in the router', async () => {
      const { route, report } = await started();
      route.refuse = () => {
        route.refuse = () => {};
        throw new TypeError('undefined is not a function');
      };
      const sent = await send(2);
      await until('the second', () => route.routed.length === 1);
      assert.deepEqual(route.ids, sent.slice(1));
      assert.equal(report.counts.get('inbound_refused bug'), 1);
    });

    it('tries again what met a full queue', async () => {
      const { route } = await started();
      let refusals = 3;
      route.refuse = () => {
        if (refusals-- > 0) throw new VollyError('overloaded');
      };
      const sent = await send(2);
      await until('both', () => route.routed.length === 2);
      assert.deepEqual(new Set(route.ids), new Set(sent));
    });

    it('does not move on while the database fails', async () => {
      const { route } = await started();
      let failures = 2;
      route.refuse = () => {
        if (failures-- > 0) throw new VollyError('database');
      };
      const sent = await send(3);
      await until('all', () => route.routed.length === 3);
      assert.deepEqual(new Set(route.ids), new Set(sent));
    });

    it('brings what came while it was down, more than one answer of it', async () => {
      const first = await started();
      await until('ready', () => first.receiver.state.ready);
      await first.receiver.stop();
      const sent = await send(120);
      const { route } = await started(first);
      await until('all', () => route.firstTimes.length === 120, 30_000);
      assert.deepEqual(route.firstTimes, sent);
    });

    it('routes first what was journaled before it ended', async () => {
      const stores = memoryStores();
      const old = hello(world.peer, world.server);
      const sender = `@_volly.bridge:${world.peer}`;
      const raw = { next_batch: 'x', to_device: { events: [{ sender, type: HELLO, content: { envelopes: [old] } }] } };
      await stores.journal.append(RECEIVER, JSON.stringify(raw));
      const sent = await send(1);
      const { route } = await started({ stores });
      await until('both', () => route.routed.length === 2);
      assert.deepEqual(route.ids, [old['id'], ...sent]);
    });

    it('leaves nothing in the journal', async () => {
      const { receiver, route, stores } = await started();
      await send(3);
      await until('all', () => route.routed.length === 3);
      await receiver.stop();
      // A stop can fall between routing and its note in the journal; the next start mends that.
      const again = await started({ stores, route });
      await until('ready', () => again.receiver.state.ready);
      await sleep(50);
      assert.deepEqual(await stores.journal.pending(RECEIVER), []);
    });

    it('goes on after the homeserver was away', async () => {
      const { receiver, route, report } = await started();
      await until('ready', () => receiver.state.ready);
      await world.stopHomeserver();
      await until('not ready', () => !receiver.state.ready);
      assert.equal(report.counts.get('back'), undefined);
      await world.startHomeserver();
      const sent = await send(2);
      await until('both', () => route.firstTimes.length === 2);
      assert.deepEqual(route.firstTimes, sent);
      await until('ready again', () => receiver.state.ready);
      assert.equal(report.counts.get('back'), 1);
    });

    it('skips nothing after the homeserver was restored from a backup', async () => {
      const first = await started();
      await until('ready', () => first.receiver.state.ready);
      await first.receiver.stop();
      const kept = await send(1);
      await world.stopHomeserver();
      const restore = await world.backup();
      await world.startHomeserver();
      const { receiver, route } = await started(first);
      const lost = await send(20);
      await until('all', () => route.firstTimes.length === 21);
      await sleep(100); // the next poll is under way: no homeserver is restored within a moment
      await world.stopHomeserver();
      await restore();
      await world.startHomeserver();
      const sent = await send(2);
      await until('all', () => route.firstTimes.length === 23);
      assert.deepEqual(route.firstTimes, [...kept, ...lost, ...sent]);
      await until('ready', () => receiver.state.ready);
    });
  });
}
