/** Members of two communities with clients in one process, a fake bridge between them and a clock that stands. */

import type { Call } from '../../src/client/call.ts';
import { type ConnectOptions, VollyClient } from '../../src/client/client.ts';
import type { Incoming } from '../../src/client/incoming.ts';
import { MemoryStore, type Store } from '../../src/client/store.ts';
import type { Clock } from '../../src/clock.ts';
import { parseMemberId } from '../../src/ids.ts';
import { formatInvite } from '../../src/protocol/invite.ts';
import { ManualClock, seededRandom, settle } from '../support/clock.ts';
import { FakeBridge } from '../support/fake-bridge.ts';
import { FakePeerConnection } from '../support/fake-pc.ts';

export const ALICE = 'alice@orchid.example';
export const BOB = 'bob@maple.example';
export const CAROL = 'carol@maple.example';

let seeds = 1;

export class World {
  readonly clock = new ManualClock();
  /** What clients and bridge go by: `clock`, unless something real is among them. */
  readonly time: Clock;
  readonly bridge: FakeBridge;
  readonly clients: VollyClient[] = [];

  constructor(time?: Clock) {
    this.time = time ?? this.clock;
    this.bridge = new FakeBridge(this.time);
  }

  invite(member: string): string {
    return formatInvite({
      gateway: 'wss://gateway.example/volly/v1',
      member: parseMemberId(member),
      communityKeyHash: new Uint8Array(32).fill(7),
      token: new Uint8Array(16).fill(9),
    });
  }

  async client(options: Partial<ConnectOptions> & { member?: string } = {}): Promise<VollyClient> {
    const { member, ...rest } = options;
    const client = await VollyClient.connect({
      store: new MemoryStore(),
      socket: () => {
        throw new TypeError('no sockets here');
      },
      clock: this.time,
      random: seededRandom(seeds++),
      gateway: this.bridge.gateway,
      ...(member && { invite: this.invite(member), device: 'PHONE' }),
      ...rest,
    });
    this.clients.push(client);
    return client;
  }

  /** A second device of the client's member. */
  async sibling(first: VollyClient, device: string): Promise<{ client: VollyClient; store: Store }> {
    const store = new MemoryStore();
    const request = await VollyClient.requestDevice({ store, random: seededRandom(seeds++), member: first.member, device });
    const approval = await first.approveDevice(request);
    return { client: await this.client({ store, approval }), store };
  }

  /** Lets everything that does not wait for time happen. */
  async settle(): Promise<void> {
    for (let i = 0; i < 3; i++) await settle();
    await this.clock.advance(0);
  }

  async advance(ms: number): Promise<void> {
    await this.clock.advance(ms);
    await this.settle();
  }

  async close(): Promise<void> {
    for (const client of this.clients) if (client.connection.kind !== 'closed') await client.close();
  }
}

/** What a client is told, kept in order. */
export class Watcher {
  readonly incoming: Incoming[] = [];
  readonly presence: string[] = [];
  readonly refused: string[] = [];
  readonly faults: unknown[] = [];

  constructor(client: VollyClient) {
    client.on('incoming', (incoming) => this.incoming.push(incoming));
    client.on('presence', (member, state) => this.presence.push(`${member} ${state}`));
    client.on('refused', (code, type) => this.refused.push(`${code} ${type.replace('app.volly.', '')}`));
    client.on('fault', (error) => this.faults.push(error));
  }

  get ringing(): Incoming {
    const last = this.incoming.at(-1);
    if (!last) throw new Error('nothing rings');
    return last;
  }
}

export interface Connected {
  readonly caller: Call;
  readonly callee: Call;
  readonly callerPc: FakePeerConnection;
  readonly calleePc: FakePeerConnection;
}

/** One calls the other, who answers; both are active. */
export async function connectCall(world: World, from: VollyClient, to: VollyClient, watcher: Watcher): Promise<Connected> {
  const callerPc = new FakePeerConnection();
  const calleePc = new FakePeerConnection();
  const caller = await from.call(to.member, { pc: callerPc });
  await world.settle();
  const callee = await watcher.ringing.accept({ pc: calleePc });
  await world.settle();
  return { caller, callee, callerPc, calleePc };
}
