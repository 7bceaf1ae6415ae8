/**
 * One legacy member while any of its apps is connected or any call lasts: the device that the bridge is for it. To the rest of the bridge
 * it is a device like another: it is in the directory, sends through the router, and takes what waits in its mailbox.
 */
import { type DeviceAddress, deviceAddress, LEGACY_DEVICE, type MemberId } from '../../ids.ts';
import type { Envelope } from '../../protocol/envelope.ts';
import type { Mailbox } from '../../routing/ports.ts';
import type { App } from './app.ts';
import { onCallFrame } from './call-frames.ts';
import { Calls } from './calls.ts';
import type { Context } from './context.ts';
import type { Owner } from './credential.ts';
import type { AppFrame } from './frames.ts';
import { Inbox } from './inbox.ts';
import { LegacyKeyQueries } from './key-queries.ts';
import type { Directory, OnlineDevice } from './options.ts';
import { startOutgoing } from './outgoing.ts';

export interface LineOptions {
  readonly context: Context;
  readonly directory: Directory;
  readonly mailbox: Mailbox;
  /** Keeps on disk with whom there are calls. */
  readonly underWay: (peers: readonly MemberId[]) => Promise<void>;
  /** No app is connected and no call lasts. */
  onIdle(line: Line): void;
}

export class Line implements OnlineDevice {
  readonly #options: LineOptions;
  readonly #context: Context;
  readonly #device: DeviceAddress;
  readonly #apps = new Set<App>();
  readonly #queries: LegacyKeyQueries;
  readonly #calls: Calls;
  readonly #inbox: Inbox;
  #stopping = false;

  constructor(options: LineOptions) {
    const { context, mailbox } = options;
    this.#options = options;
    this.#context = context;
    this.#device = deviceAddress(context.keys.member, LEGACY_DEVICE);
    this.#queries = new LegacyKeyQueries(context);
    this.#calls = new Calls(context, async (peers) => {
      this.#checkIdle();
      // What a stop ends is what the next run tells of.
      if (!this.#stopping) await options.underWay(peers);
    });
    const [apps, calls, queries] = [this.#apps, this.#calls, this.#queries];
    this.#inbox = new Inbox({
      context,
      mailbox,
      apps,
      calls,
      queries,
      device: this.#device,
      failed: () => this.end('overloaded'),
    });
  }

  get owner(): Owner {
    return this.#context.keys.owner;
  }

  /** In the order in which they came. */
  get apps(): readonly App[] {
    return [...this.#apps];
  }

  /** With the first app the device is online, and what waited for it is opened. Then the app hears what rings already. */
  join(app: App): void {
    this.#apps.add(app);
    if (this.#apps.size === 1) {
      this.#options.directory.enter(this.#device, this);
      this.#inbox.open();
    }
    void this.#context.run('join', () => {
      if (this.#apps.has(app)) this.#calls.ringAlso(app);
    });
  }

  /** Its calls end with it; what rings goes on ringing, on other apps or the one that comes back. */
  leave(app: App): void {
    if (!this.#apps.delete(app)) return;
    if (this.#apps.size === 0) this.#options.directory.leave(this.#device, this);
    void this.#context.run('leave', async () => {
      for (const call of this.#calls.all.filter(({ apps }) => apps.has(app))) {
        call.apps.delete(app);
        if (!call.rings) await call.hangUp('signalling_lost');
      }
      this.#checkIdle();
    });
  }

  onFrame(app: App, frame: AppFrame): void {
    void this.#context.run(frame.type, () => (this.#apps.has(app) ? this.#act(app, frame) : undefined));
  }

  deliver(envelope: Envelope): void {
    this.#inbox.deliver(envelope);
  }

  pushList(): void {}

  /** Plain apps have no frame for it. */
  delivered(): void {}

  /** The gateway ends all, or a newer credential's line took the member over. */
  end(code: string): void {
    for (const app of this.#apps) app.end(code);
  }

  /** As `stop`, for good: what it held is not told to apps that come back. */
  expel(code: string): Promise<void> {
    return this.#finish('signalling_lost', code);
  }

  /** Hangs up towards all peers; the apps are told when they come back. Resolves when the router has the farewells. */
  stop(): Promise<void> {
    return this.#finish('server_restarted', 'shutting_down');
  }

  async #finish(farewell: 'server_restarted' | 'signalling_lost', code: string): Promise<void> {
    this.#stopping = true;
    await this.#context.run('stop', async () => {
      for (const call of this.#calls.all) {
        call.apps.clear();
        await call.hangUp(farewell);
      }
    });
    this.end(code);
  }

  async #act(app: App, frame: AppFrame): Promise<void> {
    const call = this.#calls.between(app, frame.peer);
    // A candidate or a hangup that crossed the call's end is nobody's mistake; and it cannot be about one that the app was not told of.
    if (call ? call.offer && !call.announced : frame.type !== 'offer') return;
    if (call) return onCallFrame(this.#context, call, app, frame);
    const { peer, sdp } = frame as AppFrame & { type: 'offer' };
    await startOutgoing(this.#context, { calls: this.#calls, queries: this.#queries }, { app, peer, sdp });
  }

  #checkIdle(): void {
    if (this.#apps.size === 0 && this.#calls.all.length === 0) this.#options.onIdle(this);
  }
}
