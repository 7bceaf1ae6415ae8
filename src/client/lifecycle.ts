/** The connection's ups and downs, and what is due on the way: publishing, rotating, taking in a newer list. */
import { type Bytes, equal } from '../bytes.ts';
import { VollyError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { ConnectionState, GatewayConnection } from './connection-types.ts';
import type { Context } from './context.ts';
import { noteEnrolled } from './enrol.ts';

export interface LifecycleOwner {
  /** Inside the queue, each time the connection is up. */
  onOnline(first: boolean): void;
  onOffline(): void;
  onState(state: ConnectionState): void;
}

const MAINTAIN_MS = 3_600_000;

export class Lifecycle {
  readonly #context: Context;
  readonly #gateway: GatewayConnection;
  readonly #owner: LifecycleOwner;
  #cancelMaintain: (() => void) | undefined;
  #waiting: { readonly resolve: () => void; readonly reject: (error: VollyError) => void } | undefined;
  #enrolled: boolean;
  /** Of the last attempt that failed. */
  #cause: VollyError | undefined;
  #first = true;

  /** `enrolled`: the community knows this device, so a gateway that cannot be reached now is no failure. */
  constructor(context: Context, gateway: GatewayConnection, enrolled: boolean, owner: LifecycleOwner) {
    this.#context = context;
    this.#gateway = gateway;
    this.#enrolled = enrolled;
    this.#owner = owner;
  }

  /**
   * Resolves on the first online (for an enrolled device, also the first failure). Rejects where trying again is of no use, and for a new
   * device when its community has not let it in for LIMITS.communityWaitMs: with why the last attempt failed, or `timed_out`.
   */
  async start(): Promise<void> {
    await this.#maintain();
    const outcome = new Promise<void>((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
    this.#gateway.connect();
    try {
      await this.#patiently(outcome);
    } catch (error) {
      this.stop();
      throw this.#cause ?? error;
    }
  }

  stop(): void {
    this.#cancelMaintain?.();
    this.#gateway.close();
  }

  onState(state: ConnectionState): void {
    if (state.kind !== 'online') this.#owner.onOffline();
    if ('cause' in state) this.#cause = state.cause;
    if (state.kind === 'online') {
      const first = this.#first;
      const isNew = !this.#enrolled;
      this.#first = false;
      this.#enrolled = true;
      // A list that an earlier run could not publish any more: a full handshake brings it, a resumed one does not.
      if (first && state.resumed && this.#context.keys.account.uikSeed) void this.publish();
      const welcome = async () => {
        if (isNew) await noteEnrolled(this.#context.store);
        this.#owner.onOnline(first);
      };
      void this.#context.queue.run(welcome).then(() => this.#waiting?.resolve());
    }
    // For good: no timer is left to keep the process.
    if (state.kind === 'closed') this.#cancelMaintain?.();
    if (state.kind === 'closed') this.#waiting?.reject(state.cause ?? new VollyError('not_connected'));
    if (state.kind === 'offline' && state.cause && this.#enrolled) this.#waiting?.resolve();
    this.#owner.onState(state);
  }

  /** The shelf differs after a rotation while offline, or after the bridge lost it. */
  onShelved(prekeyHash: Uint8Array): void {
    const { queue, keys } = this.#context;
    if (equal(prekeyHash, keys.prekeyHash)) void queue.run(() => keys.published(this.#context.keyNow()));
    else void this.publish();
  }

  /** A newer list of the own member, made by its first device. */
  onList(bytes: Uint8Array, signature: Uint8Array): void {
    const { queue, keys } = this.#context;
    const list = { bytes: bytes as Bytes, signature: signature as Bytes };
    void queue
      .run(() => keys.takeList(list, this.#context.keyNow()))
      .then(() => this.publish())
      .catch((error) => this.#context.refused(error, 'list'));
  }

  /** Bundle and list are on the shelf when it resolves. Rejects as the gateway's `publish` does, and with `timed_out`; then it goes on trying. */
  shelve(): Promise<void> {
    return this.#patiently(this.#shelve());
  }

  /** As long as it takes. */
  async publish(): Promise<void> {
    try {
      await this.#shelve();
    } catch (error) {
      this.#context.refused(error, 'publish');
    }
  }

  async #shelve(): Promise<void> {
    const { queue, keys } = this.#context;
    await this.#gateway.publish(keys.bundle());
    await queue.run(() => keys.published(this.#context.keyNow()));
  }

  async #patiently(work: Promise<void>): Promise<void> {
    let cancel = (): void => {};
    const late = new Promise<never>((_, reject) => {
      const give = () => reject(new VollyError('timed_out', 'the own community'));
      cancel = this.#context.clock.after(LIMITS.communityWaitMs, give);
    });
    try {
      await Promise.race([work, late]);
    } finally {
      cancel();
    }
  }

  async #maintain(): Promise<void> {
    const { queue, keys, clock } = this.#context;
    const due = await queue.run(() => keys.maintain(this.#context.keyNow()));
    if (due && this.#gateway.state.kind === 'online') void this.publish();
    this.#cancelMaintain = clock.after(MAINTAIN_MS, () => void this.#maintain());
  }
}
