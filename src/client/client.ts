/**
 * The SDK's entry, for browsers and Node alike: one device of one member. Socket, peer connections and store are the app's; `node.ts` has
 * those of Node. Made of the parts that assemble.ts puts together; each of them says what it does.
 */
import { equal, fromBase64url } from '../bytes.ts';
import { systemClock, systemRandom } from '../clock.ts';
import { selectProvider } from '../crypto/select.ts';
import { VollyError } from '../errors.ts';
import { type DeviceAddress, deviceAddress, type MemberId, parseDeviceId, parseMemberId } from '../ids.ts';
import { addressOf } from '../protocol/header.ts';
import { HASH_BYTES } from '../protocol/suite.ts';
import { safetyNumber } from '../protocol/trust.ts';
import { splitAddress } from './account.ts';
import { assemble, type ClientEvents, type Parts } from './assemble.ts';
import type { Call } from './call.ts';
import type { ConnectionState } from './connection-types.ts';
import { formatApproval, parseRequest, requestDevice, type Tools } from './enrol.ts';
import { openKeys, startWithInvite } from './entry.ts';
import type { Listener } from './events.ts';
import type { ClientTools, ConnectOptions, OwnDevice } from './options.ts';
import type { PeerConnectionLike } from './peer-connection.ts';
import type { Presence } from './presence.ts';

// The types of what an app is given and gives, by their names.
export type { Clock, RandomBytes } from '../clock.ts';
export type { CallId, DeviceAddress, DeviceId, MemberId } from '../ids.ts';
export type { End, Phase, Role } from '../protocol/call-state.ts';
export type { PresenceState } from '../protocol/presence-update.ts';
export type { ClientEvents } from './assemble.ts';
export type { Call, CallEvents, Progress } from './call.ts';
export type { Closed, Connecting, ConnectionState, Offline, Online, WebSocketLike } from './connection-types.ts';
export type { Emitter, Listener } from './events.ts';
export type { Incoming, IncomingEvents } from './incoming.ts';
export type { MediaKinds } from './media-sdp.ts';
export type { ClientTools, ConnectOptions, OwnDevice } from './options.ts';
export type {
  CandidateInit,
  DescriptionLike,
  DtlsTransportLike,
  PeerConnectionLike,
  PeerListener,
  TransportedLike,
} from './peer-connection.ts';
export type { Presence, PresenceRequest } from './presence.ts';

/**
 * One device of one member: its keys, its calls, its contacts. Made by {@link VollyClient.connect}. All promises reject with a `VollyError`,
 * whose `code` is one of docs/ERRORS.md.
 */
export class VollyClient {
  /** `alice@orchid.example` */
  readonly member: MemberId;
  /** `alice@orchid.example/PHONE` */
  readonly address: DeviceAddress;
  /** Seeing members, and being seen (PROTOCOL.md section 13). */
  readonly presence: Presence;
  readonly #parts: Parts;

  private constructor(parts: Parts) {
    const { member, device } = parts.context.keys.account;
    this.member = member;
    this.address = deviceAddress(member, device);
    this.presence = parts.presence;
    this.#parts = parts;
  }

  /**
   * Resolves when the device is online; a device that has been before also when its gateway cannot be reached now (it keeps trying), a new
   * one rejects after a minute of that. Listen at once, before another await: what waited at the gateway is raised right after. Rejects with
   * `bad_invite`, `not_enrolled`, `name_taken`, `wrong_community`, with why the last attempt failed or `timed_out`, and with what the store throws
   * (`newer_schema`, `bad_encoding`). PROTOCOL.md section 14.
   */
  static async connect(options: ConnectOptions): Promise<VollyClient> {
    const tools = toolsOf(options);
    const clock = options.clock ?? systemClock;
    const { invite, socket, gateway, rejectWhenBusy = true } = options;
    return startWithInvite(tools, invite, async () => {
      const { keys, enrolled } = await openKeys(tools, options, clock.now());
      const parts = await assemble({ ...tools, clock, keys, enrolled, socket, gateway, rejectWhenBusy });
      const client = new VollyClient(parts);
      await parts.lifecycle.start();
      // Once whoever awaits this has had its turn to listen.
      clock.after(0, () => parts.inbox.begin());
      return client;
    });
  }

  /**
   * On a new device: the text for `approveDevice` on the member's first one, to be carried by a way the user trusts (PROTOCOL.md section 5.6).
   * Then `connect({ approval })` with the same store. Rejects with `bad_address`.
   */
  static requestDevice(options: ClientTools & { readonly member: string; readonly device?: string }): Promise<string> {
    return requestDevice(toolsOf(options), options);
  }

  /** Listens to an event of {@link ClientEvents}. The returned function takes the listener off again. */
  on<Name extends keyof ClientEvents>(name: Name, listener: Listener<ClientEvents[Name]>): () => void {
    return this.#parts.events.on(name, listener);
  }

  /** Resolves with the arguments of the next one. */
  once<Name extends keyof ClientEvents>(name: Name): Promise<ClientEvents[Name]> {
    return this.#parts.events.once(name);
  }

  /**
   * Calls a member (`alice@orchid.example`, or with `#` and the hash of the identity key) on all devices. Pins the identity. The call owns
   * `pc` from here on: open tracks and data channels before. Rejects before anything is sent with `unknown_member`, `not_end_to_end`,
   * `identity_changed`, `downgrade`, `peer_unreachable`, `timed_out` and what is wrong with the keys; with its reason where `signal` aborts
   * while keys are awaited, which takes up to 26 s where the other community is away.
   */
  async call(
    address: string,
    options: { readonly pc: PeerConnectionLike; readonly allowLegacy?: boolean; readonly signal?: AbortSignal },
  ): Promise<Call> {
    const { member, fragment } = splitAddress(address);
    if (fragment !== undefined) await this.#pinFragment(member, fragment);
    const fetched = this.#parts.directory.fetch(member, { allowLegacy: options.allowLegacy ?? false });
    const peers = await unlessAborted(fetched, options.signal);
    // A member has one identity: of an unpinned one the first counts, and devices of another are left out.
    const root = peers[0]?.identity.rootHash as Uint8Array;
    const others = peers.filter(({ identity, target }) => equal(identity.rootHash, root) && addressOf(target) !== this.address);
    if (others.length === 0) throw new VollyError('unknown_member', 'no other device');
    return this.#parts.calls.start(member, others, options.pc);
  }

  /**
   * On the first device: lets another device of this member in. `request` came from `requestDevice` there, by a way the user trusts; the
   * result is for `connect({ approval })` there, and brings the community the new list whether or not this device is connected. Throws `wrong_recipient` for another member's request, `forbidden_in_state` elsewhere.
   */
  async approveDevice(request: string): Promise<string> {
    const { member, device, dikHash } = parseRequest(request);
    if (member !== this.member) throw new VollyError('wrong_recipient', 'a device of another member');
    const { keys, queue } = this.#parts.context;
    const list = await queue.run(() => keys.approve({ device, dikHash }, this.#parts.context.keyNow()));
    void this.#parts.lifecycle.publish();
    return formatApproval({ community: keys.account.community, list });
  }

  /** This member's devices, this one among them, as this one knows them. */
  get devices(): readonly OwnDevice[] {
    const { account, devices } = this.#parts.context.keys;
    return devices.map(({ device, notAfter }) => ({ id: device, current: device === account.device, notAfter }));
  }

  /**
   * On the first device: shuts out another one, by its id, for good. Resolves when the community has the new list: it refuses that device
   * from then on, and nobody calls it. Throws `not_in_list`, `forbidden_in_state` elsewhere and for
   * this device itself; `timed_out` after a minute, `not_connected`, `unconfirmed` when the client is closed before: the list is made, and
   * goes to the community as soon as there is a connection, if need be in a later run.
   */
  async removeDevice(device: string): Promise<void> {
    const { keys, queue } = this.#parts.context;
    await queue.run(() => keys.remove(parseDeviceId(device), this.#parts.context.keyNow()));
    await this.#parts.lifecycle.shelve();
  }

  /** 60 digits, the same on both sides; after comparing them: `markVerified`. Throws `unknown_member` for who was never called or accepted. */
  safetyNumber(member: string): string {
    const peer = parseMemberId(member);
    const uik = this.#parts.context.contacts.get(peer).uik;
    if (!uik) throw new VollyError('unknown_member', 'not a contact with an identity');
    const { provider, keys } = this.#parts.context;
    return safetyNumber(provider, { member: this.member, uik: keys.uik }, { member: peer, uik });
  }

  /** The user has compared the safety number: remembered until the identity changes. Rejects with `unknown_member`. */
  markVerified(member: string): Promise<void> {
    return this.#parts.context.queue.run(() => this.#parts.context.contacts.verify(parseMemberId(member)));
  }

  /** Whether the safety number of the identity that is pinned now was compared. Throws `bad_address`. */
  isVerified(member: string): boolean {
    return this.#parts.context.contacts.get(parseMemberId(member)).verified;
  }

  /**
   * The user accepts the identity that `identity-changed` told of, and no other: `fingerprint` is what the event brought. Consent to see
   * presence and verification are gone; a legacy member's is its server's key, accepted for all its legacy members. Throws
   * `identity_changed` when another one was seen since: ask again.
   */
  async acceptIdentity(member: string, fingerprint: string): Promise<void> {
    const peer = parseMemberId(member);
    const { queue, contacts } = this.#parts.context;
    if (!contacts.isToAccept(peer, fingerprint)) return;
    // First: the keys of what the old identity was granted must not outlive it.
    await this.presence.revoke(member);
    await queue.run(() => contacts.acceptChanged(peer, fingerprint));
  }

  /**
   * The app's word that the network is another one or that the device woke up: a connection over the old network would be missed only
   * after two heartbeats. Nothing is lost or doubled by it.
   */
  reconnect(): void {
    this.#parts.gateway.reconnect();
  }

  /** Whether the gateway is there; each change is an event of the same name. */
  get connection(): ConnectionState {
    return this.#parts.gateway.state;
  }

  /** What was refused so far, by code. */
  get refusals(): ReadonlyMap<string, number> {
    return this.#parts.refusals;
  }

  /** Hangs up, tells contacts `offline`, and disconnects. */
  async close(): Promise<void> {
    await this.#parts.context.queue.run(async () => {
      await this.#parts.calls.onClose();
      this.presence.onClose();
    });
    this.#parts.lifecycle.stop();
  }

  async #pinFragment(member: MemberId, fragment: string): Promise<void> {
    const uikHash = fromBase64url(fragment);
    if (uikHash?.length !== HASH_BYTES) throw new VollyError('bad_address', 'after # stands the hash of an identity key');
    const { queue, contacts } = this.#parts.context;
    const pin = contacts.known(member).pin;
    if (pin && !equal(pin, uikHash)) throw new VollyError('identity_changed', 'the address names another identity');
    if (!pin) await queue.run(() => contacts.pinHash(member, uikHash));
  }
}

/** Rejects with the signal's reason when it aborts first. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  signal.addEventListener('abort', abort);
  if (signal.aborted) abort();
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

const toolsOf = (options: ClientTools): Tools => ({
  store: options.store,
  random: options.random ?? systemRandom,
  provider: options.provider ?? selectProvider(),
});
