/** Calls that this user makes. What happens in a call is its state machine's business. */
import { codeOf } from '../errors.ts';
import { type DeviceAddress, type MemberId, newCallId } from '../ids.ts';
import { newerOf } from '../party/key-queries.ts';
import { Link } from '../party/link.ts';
import { Runner } from '../party/runner.ts';
import type { RunnerOwner } from '../party/runner-owner.ts';
import type { Peer } from '../protocol/bundle.ts';
import { startCall } from '../protocol/call.ts';
import { addressOf } from '../protocol/header.ts';
import { sealOffer } from '../protocol/offer.ts';
import { Call } from './call.ts';
import type { CallRegistry } from './call-registry.ts';
import type { Context } from './context.ts';
import type { Directory } from './directory.ts';
import type { PeerConnectionLike } from './peer-connection.ts';

/** One call to make: what its offers are made of. */
interface Plan {
  readonly call: Call;
  readonly sdp: string;
  /** By device; replaced where a newer bundle was found. */
  readonly devices: Map<DeviceAddress, Peer>;
}

export class Calling {
  readonly #context: Context;
  readonly #registry: CallRegistry;
  readonly #directory: Directory;

  constructor(context: Context, registry: CallRegistry, directory: Directory) {
    this.#context = context;
    this.#registry = registry;
    this.#directory = directory;
  }

  /** Pins the member: the user calls. `peers` are its devices, of one identity. Throws `bad_sdp` and what the peer connection throws. */
  async start(member: MemberId, peers: readonly Peer[], pc: PeerConnectionLike): Promise<Call> {
    const { queue, contacts, random } = this.#context;
    const { identity } = peers[0] as Peer;
    const call = new Call({ context: this.#context, peer: member, pc, endToEnd: identity.kind === 'enhanced' });
    try {
      const sdp = await call.media.offer();
      const devices = new Map(peers.map((peer) => [addressOf(peer.target), peer]));
      await queue.run(async () => {
        await contacts.pin(member, identity);
        const { state, effects } = startCall(newCallId(random), [...devices.keys()]);
        const runner: Runner = new Runner(
          this.#context,
          state,
          this.#owner(() => runner, { call, sdp, devices }),
        );
        this.#registry.add(runner);
        this.#registry.drive(runner, call);
        await runner.perform(effects);
      });
      return call;
    } catch (error) {
      call.finish({ reason: codeOf(error) ?? 'bad_sdp', by: 'itself' });
      throw error;
    }
  }

  #owner(self: () => Runner, plan: Plan): RunnerOwner {
    return {
      makeOffer: async (device, callId) => {
        const { provider, random, keys, contacts } = this.#context;
        const peer = plan.devices.get(device) as Peer;
        const local = keys.local();
        const confirmed = contacts.hasConfirmed(plan.call.peer, peer.target.dikHash, local.listVersion);
        const identity = confirmed ? {} : { identity: keys.identity() };
        const options = {
          device: local,
          peer,
          callId,
          sdp: plan.sdp,
          policy: 'none',
          now: this.#context.now(),
          ...identity,
        } as const;
        const { envelope, leg, session } = await sealOffer(provider, random, options);
        this.#registry.addId(callId, self());
        return { envelope, link: new Link(this.#context, leg, session) };
      },
      refetch: (device) => void this.#refetch(self(), plan, device),
      apply: (message) => plan.call.apply(message),
      changed: (state) => this.#registry.changed(self(), state),
    };
  }

  /** No `ringing` in 5 s: whether the device has a newer prekey than the one its offer was sealed to. */
  async #refetch(runner: Runner, { call, devices }: Plan, device: DeviceAddress): Promise<void> {
    const old = devices.get(device) as Peer;
    const peers = await this.#directory.fetch(call.peer, { allowLegacy: !call.endToEnd }).catch(() => []);
    const newer = newerOf(old, peers);
    if (newer) devices.set(device, newer);
    await this.#context.queue.run(async () => {
      // It may also have lost what it knew of us: the next offer brings the identity again.
      await this.#context.contacts.confirm(call.peer, old.target.dikHash, 0);
      await runner.dispatch({ kind: 'refetched', device, ...(newer && { callId: newCallId(this.#context.random) }) });
    });
  }
}
