/** Puts a client's parts together: the only file that knows all of them. */
import type { Clock, RandomBytes } from '../clock.ts';
import type { Provider } from '../crypto/primitives.ts';
import { type ErrorCode, VollyError } from '../errors.ts';
import type { MemberId } from '../ids.ts';
import { Queue } from '../party/queue.ts';
import type { PresenceState } from '../protocol/presence-update.ts';
import { Calls } from './calls.ts';
import { openGateway } from './connection.ts';
import type { ConnectionOptions, ConnectionState, GatewayConnection, WebSocketLike } from './connection-types.ts';
import { Contacts } from './contacts.ts';
import type { Context } from './context.ts';
import { Directory } from './directory.ts';
import { Emitter } from './events.ts';
import { StoredGuard } from './guard.ts';
import { Inbox } from './inbox.ts';
import type { Incoming } from './incoming.ts';
import type { Keys } from './keys.ts';
import { Lifecycle } from './lifecycle.ts';
import { Presence, type PresenceRequest } from './presence.ts';
import type { Store } from './store.ts';
import { loadTicket, ticketSaver } from './ticket.ts';
import { VerifiedLists } from './verified.ts';

/** What a client tells of by itself: `client.on('incoming', …)`. */
export interface ClientEvents {
  /** A call, once nothing that waited at the gateway says that it is over already. */
  readonly incoming: [incoming: Incoming];
  /** A watched member's most available device changed. */
  readonly presence: [member: MemberId, state: PresenceState];
  /** A member wishes to see this user. */
  readonly 'presence-request': [request: PresenceRequest];
  /** Another identity than the pinned one, by base64url(H(UIK)): calls are blocked both ways until `acceptIdentity` with both. */
  readonly 'identity-changed': [member: MemberId, fingerprint: string];
  /** The connection to the gateway came, went, or ended for good. */
  readonly connection: [state: ConnectionState];
  /** Something was refused or could not be sent, for diagnosis: an error code, or `fault` for a bug of ours, which `fault` shows. */
  readonly refused: [code: ErrorCode | 'fault', type: string];
  /** A bug of ours that some input has found: worth a report. The client goes on. */
  readonly fault: [error: unknown];
}

export interface AssembleOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly provider: Provider;
  readonly keys: Keys;
  /** The community has seen this device before. */
  readonly enrolled: boolean;
  readonly socket: (url: string) => WebSocketLike;
  readonly rejectWhenBusy: boolean;
  readonly gateway?: ((options: ConnectionOptions) => GatewayConnection) | undefined;
}

export interface Parts {
  readonly context: Context;
  readonly events: Emitter<ClientEvents>;
  readonly refusals: Map<string, number>;
  readonly gateway: GatewayConnection;
  readonly lifecycle: Lifecycle;
  readonly inbox: Inbox;
  readonly calls: Calls;
  readonly directory: Directory;
  readonly presence: Presence;
}

export async function assemble(options: AssembleOptions): Promise<Parts> {
  const { store, clock, random, provider, keys } = options;
  const events = new Emitter<ClientEvents>();
  const refusals = new Map<string, number>();
  const refused = (error: unknown, type: string): void => {
    const code = error instanceof VollyError ? error.code : 'fault';
    refusals.set(code, (refusals.get(code) ?? 0) + 1);
    events.emit('refused', code, type);
    if (code === 'fault') events.emit('fault', error);
  };

  const own = {
    server: keys.account.server,
    get keyHash() {
      return keys.account.community.keyHash;
    },
  };
  // The gateway calls back into parts that are made after it: none of it before `lifecycle.start`.
  const gateway = (options.gateway ?? openGateway)({
    url: keys.account.community.url,
    server: own.server,
    get communityKeyHash() {
      return own.keyHash;
    },
    onSuccessor: (keyHash) => keys.follow(keyHash),
    credentials: {
      identity: () => keys.identity(),
      bundle: () => keys.bundle(),
      sign: (message, context) => keys.sign(message, context),
    },
    ...(keys.account.token && { token: keys.account.token }),
    ...optional('ticket', await loadTicket(store)),
    saveTicket: ticketSaver(store, (error) => refused(error, 'ticket')),
    open: options.socket,
    ...{ provider, random, clock },
    onEnvelope: (envelope, taken) => inbox.onEnvelope(envelope, taken),
    onCaughtUp: () => inbox.onCaughtUp(),
    onDelivered: (offer) => void queue.run(() => calls.onDelivered(offer)),
    onList: (list, signature) => lifecycle.onList(list, signature),
    onShelved: (prekeyHash) => lifecycle.onShelved(prekeyHash),
    onState: (state) => lifecycle.onState(state),
  });
  const queue = new Queue();
  const context: Context = {
    ...{ provider, random, clock, store, keys, queue },
    contacts: await Contacts.load(store, own),
    verified: new VerifiedLists(),
    // What goes wrong there is a bug: it surfaces as uncaught.
    run: (_what, task) => queue.run(task),
    now: () => gateway.now(),
    keyNow: () => Math.max(gateway.now(), clock.now()),
    send: (envelope) => gateway.sendEnvelope(envelope),
    refused,
  };
  const onIdentityChanged = (member: MemberId) =>
    events.emit('identity-changed', member, context.contacts.changedFingerprint(member) as string);
  const directory = new Directory(context, onIdentityChanged);
  const isContact = (member: MemberId) => context.contacts.isPinned(member);
  const guard = (kind: 'calls' | 'presence') => StoredGuard.load(store, kind, { now: context.now, clock, isContact });
  const inbox: Inbox = new Inbox(context, () => ({ calls, directory, presence }));
  const whenCaughtUp = inbox.whenCaughtUp.bind(inbox);
  const calls = new Calls(context, directory, {
    ...{ guard: await guard('calls'), rejectWhenBusy: options.rejectWhenBusy, whenCaughtUp },
    onIncoming: (incoming) => events.emit('incoming', incoming),
    onIdentityChanged,
  });
  const presence = await Presence.load(context, {
    ...{ directory, guard: await guard('presence') },
    isOnline: () => gateway.state.kind === 'online',
    onRequest: (request) => whenCaughtUp(() => events.emit('presence-request', request)),
    onShown: (member, state) => whenCaughtUp(() => events.emit('presence', member, state)),
  });
  /** For good, and not by the app. What the community no longer carries does not go on behind its back (PROTOCOL.md section 14.3). */
  const ended = async (code: ErrorCode | undefined): Promise<void> => {
    if (code === 'suspended') await calls.onClose();
    presence.onClose();
  };
  const lifecycle = new Lifecycle(context, gateway, options.enrolled, {
    onOnline: (first) => presence.onOnline(first),
    onOffline: () => inbox.onOffline(),
    onState: (state) => {
      if (state.kind === 'closed' && state.cause) void queue.run(() => ended(state.cause?.code));
      events.emit('connection', state);
    },
  });
  return { context, events, refusals, gateway, lifecycle, inbox, calls, directory, presence };
}

const optional = <K extends string, T>(key: K, value: T | undefined): { [P in K]?: T } =>
  value === undefined ? {} : ({ [key]: value } as { [P in K]?: T });
