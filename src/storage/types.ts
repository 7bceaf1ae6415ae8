/**
 * What the bridge keeps, as interfaces. Every method resolves after its change is durable (committed and synced), so that a
 * promise kept is a promise: an `await` before an acknowledgement is all a caller needs. Implementations may commit the changes of
 * several callers together. Every method may reject with VollyError `database`; nothing was changed then.
 */
import type { DeviceAddress, DeviceId, EnvelopeId, Localpart, MemberId, ServerName } from '../ids.ts';
import type { EnvelopeType } from '../protocol/envelope.ts';

/** Answers of a receiver, kept raw from the moment they arrive until everything in them is routed. */
export interface JournalStore {
  /** Appends an answer and returns the entry's number. */
  append(receiver: string, raw: string): Promise<number>;
  /** Entries not yet done, oldest first. */
  pending(receiver: string): Promise<readonly { entry: number; raw: string }[]>;
  done(entry: number): Promise<void>;
}

export interface InboxRow {
  readonly origin: ServerName;
  readonly id: EnvelopeId;
  readonly type: EnvelopeType;
  readonly to: DeviceAddress;
  readonly from: string;
  /** The row's end on the clock that `expired` is called with; the envelope's own `expires` stays in `encoded`. */
  readonly expires: number;
  /** The encoded envelope. */
  readonly encoded: string;
}

/** Envelopes for own devices, and the memory that tells a repeated one. */
export interface InboxStore {
  /**
   * Remembers (origin, id) until `forgetAt` and keeps the row, if there is one, for its device: one commit. `duplicate` = (origin, id)
   * was known and nothing changed; `full` = a limit of inbox… or seenPerOrigin reached, nothing changed. A subscribe takes the place of
   * the one that waits from the same device: they say the same, and come each 10 min for as long as nobody answers.
   */
  accept(
    key: { origin: ServerName; id: EnvelopeId; forgetAt: number },
    row?: InboxRow,
  ): Promise<'accepted' | 'duplicate' | 'full'>;
  /** Whether (origin, id) is remembered: for what must be answered before it may be remembered. */
  seen(origin: ServerName, id: EnvelopeId): Promise<boolean>;
  /** Waiting for a device, in order of arrival. */
  waiting(device: DeviceAddress): Promise<readonly InboxRow[]>;
  /** The device opened it. False when it was not waiting. */
  taken(device: DeviceAddress, origin: ServerName, id: EnvelopeId): Promise<boolean>;
  /** Rows past their end that nobody took, soonest first, at most `limit`. They stay, so that their senders are told before they go. */
  expired(now: number, limit: number): Promise<readonly Omit<InboxRow, 'encoded'>[]>;
  remove(keys: readonly Pick<InboxRow, 'origin' | 'id'>[]): Promise<void>;
  /** Forgets keys past their `forgetAt`, at most `limit`; returns how many. */
  forget(now: number, limit: number): Promise<number>;
  /** Rows that wait and keys that are remembered. */
  counts(): Promise<{ readonly waiting: number; readonly seen: number }>;
}

export interface OutboxRow {
  readonly id: EnvelopeId;
  readonly peer: ServerName;
  readonly type: EnvelopeType;
  readonly from: string;
  /** The address in the envelope; its server is the one that may acknowledge it. */
  readonly to: string;
  /** The row's end on the clock that `forget` is called with; the envelope's own `expires` stays in `encoded`. */
  readonly expires: number;
  readonly encoded: string;
}

/** Envelopes for other communities, until they acknowledge them. */
export interface OutboxStore {
  /** `duplicate` = the id is known; `full` = LIMITS.outboxPerPeer or outboxPerDevice reached; nothing changed in both. */
  put(row: OutboxRow): Promise<'accepted' | 'duplicate' | 'full'>;
  /** Removes the rows of this peer that it acknowledges; returns those that there were. Ids of other peers are left alone. */
  acknowledge(peer: ServerName, ids: readonly EnvelopeId[]): Promise<readonly EnvelopeId[]>;
  /** All rows, oldest first: read once at start. */
  all(): Promise<readonly OutboxRow[]>;
  /** Forgets rows and the addresses kept of them: their sender has been told the end. */
  remove(ids: readonly EnvelopeId[]): Promise<void>;
  /** Of acknowledged rows the addresses are kept until `expires` + LIMITS.ackedMemoryMs, so that an `undeliverable` can be checked and passed on. */
  find(id: EnvelopeId): Promise<Pick<OutboxRow, 'id' | 'peer' | 'type' | 'from' | 'to' | 'expires'> | undefined>;
  /** Forgets addresses of acknowledged rows LIMITS.ackedMemoryMs past their end. */
  forget(now: number): Promise<void>;
}

export interface PeerRow {
  readonly server: ServerName;
  /** Unix time in ms when its bridge was last heard, roughly. */
  readonly heardAt: number;
  /** How far its clock was ahead of ours, in ms, when that was last measured. */
  readonly skewMs?: number;
}

/** Communities whose bridges have spoken to this one: at most LIMITS.peers, the longest unheard are forgotten. */
export interface PeerStore {
  /** Longest unheard first. */
  all(): Promise<readonly PeerRow[]>;
  put(rows: readonly PeerRow[]): Promise<void>;
  /** Those that the operator shut out while the bridge ran, beside the configuration's policy; in order of their names. */
  blocked(): Promise<readonly { readonly server: ServerName; readonly at: number }[]>;
  /** `at` undefined takes it back. False when nothing changed. */
  block(server: ServerName, at: number | undefined): Promise<boolean>;
}

export interface QuarantineRow {
  readonly at: number;
  readonly source: string;
  readonly code: string;
  /** At most 60,000 characters of what was refused; sealed parts are as unreadable here as anywhere. */
  readonly content: string;
}

/** Refused content, bounded: the oldest goes first. */
export interface QuarantineStore {
  add(row: QuarantineRow): Promise<void>;
  count(): Promise<number>;
  /** Newest first, from below `before` on, of `code` alone where one is given. */
  page(before: number, limit: number, code?: string): Promise<readonly (QuarantineRow & { readonly seq: number })[]>;
  get(seq: number): Promise<QuarantineRow | undefined>;
  /** Returns how many went. */
  remove(which: { readonly seq: number } | { readonly code: string }): Promise<number>;
}

export interface DeviceRow {
  readonly member: Localpart;
  readonly device: DeviceId;
  /** SHA-256 of the device's identity key, 32 bytes. */
  readonly key: Uint8Array;
}

/** Members, their devices and what they published. Bundles are bytes of PROTOCOL.md section 6; the gateway checked them. */
export interface MemberStore {
  /** False when there is a member of that name, or was one that the operator removed; nothing changed then. */
  add(member: Localpart, kind: 'enhanced' | 'legacy'): Promise<boolean>;
  kind(member: Localpart): Promise<'enhanced' | 'legacy' | undefined>;
  /** As `kind`; undefined also for a member that the operator has suspended. */
  active(member: Localpart): Promise<'enhanced' | 'legacy' | undefined>;
  /** Whether the operator lets this device of this key in. Nothing is said here about the member's own list. */
  admits(member: Localpart, device: DeviceId, key: Uint8Array): Promise<'yes' | 'suspended' | 'barred' | 'unknown'>;
  members(): Promise<readonly Localpart[]>;
  /**
   * Sets the member's whole device list: the signed list's bytes, its hash and version, and the devices in it. Bundles of devices
   * that are no longer listed go. Rejects with `unknown_member`, and with `stale_list` for a version at or below the stored one,
   * unless it is the stored list again.
   */
  setList(
    member: Localpart,
    list: { version: number; hash: Uint8Array; bytes: Uint8Array; devices: readonly DeviceRow[] },
  ): Promise<void>;
  list(member: Localpart): Promise<{ version: number; hash: Uint8Array; bytes: Uint8Array } | undefined>;
  /** Of the list, but for those that the operator has barred. */
  devices(member: Localpart): Promise<readonly DeviceRow[]>;
  /** Rejects with `unknown_member`. */
  publish(member: Localpart, device: DeviceId, bundle: Uint8Array): Promise<void>;
  bundles(member: Localpart): Promise<readonly { device: DeviceId; bundle: Uint8Array }[]>;
}

export interface MemberRow {
  readonly member: Localpart;
  readonly kind: 'enhanced' | 'legacy';
  /** Unix ms; absent for who came before this was kept. */
  readonly createdAt?: number;
  /** Since when, Unix ms; absent for who is not. */
  readonly suspendedAt?: number;
}

export interface RollDevice {
  readonly device: DeviceId;
  /** Its bundle is on the shelf: it can be called. */
  readonly published: boolean;
  readonly barredAt?: number;
  /** The day on which it was last seen, Unix ms of its beginning. */
  readonly seenOn?: number;
}

/** What the operator does with members. */
export interface RollStore {
  /** In order of their names, those behind `after`. */
  page(after: string, limit: number): Promise<readonly MemberRow[]>;
  find(member: Localpart): Promise<(MemberRow & { readonly devices: readonly RollDevice[] }) | undefined>;
  /** `at` undefined takes it back. Rejects with `unknown_member`. */
  suspend(member: Localpart, at: number | undefined): Promise<void>;
  /**
   * Shuts a listed device out for as long as the list has this key for it, with its bundle, tickets and what waits for it; `at` undefined
   * lets it in again. False when the list has no such device. Rejects with `unknown_member`.
   */
  bar(member: MemberId, device: DeviceId, at: number | undefined): Promise<boolean>;
  /** A device came in. Costs a write each day at most. */
  seen(member: Localpart, device: DeviceId, at: number): Promise<void>;
  /**
   * Forgets a member: keys, lists, bundles, invites, tickets, what waits for or from it, refused content that names it, and the facts that
   * `isOwn` says are of it. What stays is the hash of the name, which `add` refuses from then on, and a note in `leaving`. Rejects with
   * `unknown_member`.
   */
  remove(member: MemberId, at: number, isOwn: (fact: string) => boolean): Promise<void>;
  /** Whether a removed member had this name. */
  isHeld(member: Localpart): Promise<boolean>;
  /** Members who are gone here and not yet on the homeserver. */
  leaving(): Promise<readonly Localpart[]>;
  left(member: Localpart): Promise<void>;
}

export interface InviteRow {
  /** SHA-256 of its token. */
  readonly hash: Uint8Array;
  readonly member: Localpart;
  readonly expires: number;
}

export interface InviteStore {
  /** Keeps the SHA-256 of the token, never the token. */
  add(invite: InviteRow): Promise<void>;
  /** Live ones, soonest end first. */
  all(now: number): Promise<readonly InviteRow[]>;
  /** False when there was none. */
  revoke(hash: Uint8Array): Promise<boolean>;
  /** Whether `use` would consume it. */
  live(hash: Uint8Array, member: Localpart, now: number): Promise<boolean>;
  /** Consumes the invite; false when unknown, used, expired, or for another member: then it is left as it was. */
  use(hash: Uint8Array, member: Localpart, now: number): Promise<boolean>;
}

export interface TicketStore {
  /** Keeps the SHA-256 of a resumption ticket; at most LIMITS.ticketsPerDevice for a device, the oldest goes. */
  add(ticket: { hash: Uint8Array; device: DeviceAddress; state: Uint8Array; expires: number }): Promise<void>;
  /** Consumes it durably: a second call never finds it. */
  use(hash: Uint8Array, now: number): Promise<{ device: DeviceAddress; state: Uint8Array } | undefined>;
  revoke(device: DeviceAddress): Promise<void>;
  /** Of every device. */
  revokeAll(): Promise<void>;
}

/** Small facts: the bridge user's login, what the homeserver can do, pinned community keys. */
export interface FactStore {
  get(name: string): Promise<string | undefined>;
  set(name: string, value: string): Promise<void>;
}

export interface Stores {
  readonly journal: JournalStore;
  readonly inbox: InboxStore;
  readonly outbox: OutboxStore;
  readonly peers: PeerStore;
  readonly quarantine: QuarantineStore;
  readonly members: MemberStore;
  readonly roll: RollStore;
  readonly invites: InviteStore;
  readonly tickets: TicketStore;
  readonly facts: FactStore;
  /** Waits for open commits, checkpoints, closes. */
  close(): Promise<void>;
}
