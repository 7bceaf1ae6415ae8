/** Members of a real community for the demo and the federation tests: an app each, with a real WebRTC stack (werift). */
import { RTCPeerConnection } from 'werift';
import type { Call } from '../../src/client/call.ts';
import { type ConnectOptions, VollyClient } from '../../src/client/client.ts';
import { nodeSocket } from '../../src/client/node.ts';
import type { PeerConnectionLike } from '../../src/client/peer-connection.ts';
import { MemoryStore, readRecord } from '../../src/client/store.ts';
import type { Clock } from '../../src/clock.ts';
import type { PresenceState } from '../../src/protocol/presence-update.ts';
import type { Community } from './community.ts';

/** No step takes long; one that hangs ends the demo or the test with its name. */
const STEP_MS = 15_000;

export async function within<T>(what: string, promise: Promise<T>, ms = STEP_MS): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`${what}: nothing for ${ms / 1000} s`)), ms);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

export interface Person {
  readonly client: VollyClient;
  readonly store: MemoryStore;
}

type Connect = Pick<ConnectOptions, 'clock' | 'invite' | 'approval' | 'device'>;

async function connect(what: string, store: MemoryStore, options: Connect): Promise<Person> {
  const client = await within(what, VollyClient.connect({ store, socket: nodeSocket(), ...options }));
  client.on('fault', (error) => {
    throw error;
  });
  return { client, store };
}

/** What a member does with the operator's link. */
export async function enrol(community: Community, name: string, options: { readonly clock?: Clock } = {}): Promise<Person> {
  const invite = await community.invite(name);
  return connect(`${name} enrols`, new MemoryStore(), { invite, device: 'PHONE', ...options });
}

/** The same device's app started again. */
export const startAgain = ({ client, store }: Person): Promise<Person> => connect(`${client.address} starts again`, store, {});

/** Another device of this person, let in by the first. */
export async function secondDevice({ client: first }: Person, device: string): Promise<Person> {
  const store = new MemoryStore();
  const request = await VollyClient.requestDevice({ store, member: first.member, device });
  return connect(`${first.member} approves ${device}`, store, { approval: await first.approveDevice(request) });
}

/** Resolves when `watcher` sees `member` in this state. */
export async function sees(watcher: VollyClient, member: string, state: PresenceState): Promise<void> {
  await within(
    `${watcher.member} sees ${member} ${state}`,
    (async () => {
      while (watcher.presence.of(member) !== state) await watcher.once('presence');
    })(),
  );
}

/** The seeds of the device's and the member's keys, out of the app's own store. */
export async function privateKeysOf({ store }: Person): Promise<Uint8Array[]> {
  const flat = (value: unknown): Uint8Array[] =>
    Array.isArray(value) ? value.flatMap(flat) : value instanceof Uint8Array ? [value] : [];
  const identity = flat(await readRecord(store, 'account')).filter(({ length }) => length === 64);
  const prekeys = flat((await readRecord(store, 'keys'))?.[2]).filter(({ length }) => length === 32);
  if (identity.length < 2 || prekeys.length < 1) throw new Error('the store no longer has the form that this search knows');
  return [...identity, ...prekeys];
}

/**
 * After an ICE restart werift 0.25 gathers and then checks nothing: its `connect` returns where DTLS is connected. A browser starts the
 * checks by itself as soon as it has both descriptions, and so does this.
 */
class PeerConnection extends RTCPeerConnection {
  readonly #checked = new WeakMap<object, number>();

  /** `never`: werift declares two kinds of result, by what is described. */
  override async setLocalDescription(description?: Parameters<RTCPeerConnection['setLocalDescription']>[0]): Promise<never> {
    const result = await super.setLocalDescription(description);
    this.#check();
    return result as never;
  }

  override async setRemoteDescription(description: Parameters<RTCPeerConnection['setRemoteDescription']>[0]) {
    await super.setRemoteDescription(description);
    this.#check();
  }

  #check(): void {
    if (this.signalingState !== 'stable') return;
    for (const { state, iceTransport } of this.dtlsTransports) {
      const { generation, nominated, remoteUsername } = iceTransport.connection;
      if (state !== 'connected' || nominated || !remoteUsername || this.#checked.get(iceTransport) === generation) continue;
      this.#checked.set(iceTransport, generation);
      iceTransport.start().catch(() => {}); // what comes of it shows in `iceConnectionState`
    }
  }
}

/** A peer connection as an app would make one; no STUN or TURN server, both are on this machine. */
export const peerConnection = (): RTCPeerConnection => new PeerConnection({ iceServers: [] });
export const asLike = (pc: RTCPeerConnection): PeerConnectionLike => pc as unknown as PeerConnectionLike;

/**
 * What left no trace on any server, if the search finds nothing. Without the ice-ufrag: werift's has four characters, and in megabytes of
 * base64 any four characters stand somewhere by chance.
 */
export function secretsOf(pc: RTCPeerConnection): { readonly sdp: string; readonly words: readonly string[] } {
  const sdp = pc.localDescription?.sdp ?? '';
  const values = ['a=ice-pwd:', 'a=fingerprint:sha-256 '].map((name) => sdp.split(name)[1]?.split('\r\n')[0] ?? '');
  return { sdp, words: values.filter((value) => value.length > 0) };
}

export const connected = (call: Call): Promise<void> =>
  within(
    'the media connect',
    new Promise((resolve) => {
      if (call.pc.connectionState === 'connected') resolve();
      call.on('connection', (state) => {
        if (state === 'connected') resolve();
      });
    }),
  );
