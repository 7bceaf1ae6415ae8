/** Who may come in: the client's proof of PROTOCOL.md section 14.3, checked in the order given there. */
import { equal } from '../bytes.ts';
import type { Clock } from '../clock.ts';
import { sha256 } from '../crypto/hash.ts';
import type { Provider } from '../crypto/primitives.ts';
import { VollyError } from '../errors.ts';
import { type DeviceAddress, deviceAddress, deviceOf, localpartOf, serverOf } from '../ids.ts';
import { checkSignedList } from '../protocol/check.ts';
import type { FullProof } from '../protocol/handshake.ts';
import { type Community, type ServerHello, verifyProof } from '../protocol/handshake-server.ts';
import { decodeIdentity, type Identity } from '../protocol/identity.ts';
import type { InviteStore } from '../storage/types.ts';
import { holds, type Leave, type Roster } from './roster.ts';
import type { Publisher } from './shelf.ts';

export interface Gatekeeper {
  readonly provider: Provider;
  readonly clock: Clock;
  readonly community: Community;
  readonly invites: InviteStore;
  readonly roster: Roster;
  readonly publisher: Publisher;
}

export interface Admitted {
  readonly device: DeviceAddress;
  readonly dikHash: Uint8Array;
  /** H(the list the device knows). */
  readonly knownList: Uint8Array;
}

const refuse = (detail: string): never => {
  throw new VollyError('not_enrolled', detail);
};

/**
 * Durable when it resolves: an invite is spent, a newer list kept, a bundle shelved. Throws `bad_encoding`, `bad_address`,
 * `bad_key`, `bad_signature`, `clock_skew`, `suspended`, `not_enrolled`, `bad_invite`, `name_taken`, `stale_list`, `database`.
 */
export async function authenticate(keeper: Gatekeeper, hello: ServerHello, proof: FullProof): Promise<Admitted> {
  const { provider, clock, community, roster } = keeper;
  const now = clock.now();
  const identity = decodeIdentity(proof.identity);
  const device = claimedDevice(identity, community, now);
  // A list past its life is renewed by a device that is connected: here it only has to be the member's.
  checkSignedList(provider, identity, Math.min(now, identity.expires));
  verifyProof(provider, hello, community.hash, proof, identity.dik);
  await roster.admit(device, identity.dikHash);
  const newest = await roster.accept(identity, device, inviteOf(keeper, identity, proof.token)).catch((error) => {
    if (!(error instanceof VollyError && error.code === 'identity_changed')) throw error;
    throw new VollyError(proof.token.length > 0 ? 'name_taken' : 'not_enrolled', 'another identity key', { cause: error });
  });
  if (!holds(newest, deviceOf(device), identity.dikHash, now)) refuse('the newest list does not hold the device');
  if (proof.bundle.length > 0) await shelve(keeper, device, proof.bundle);
  return { device, dikHash: identity.dikHash, knownList: identity.hash };
}

/** The one device of the list that this DIK is for. */
function claimedDevice(identity: Identity, community: Community, now: number): DeviceAddress {
  if (identity.kind !== 'enhanced') refuse('a legacy identity');
  if (serverOf(identity.member) !== community.server) refuse('a member of another server');
  const [entry, second] = identity.entries.filter(({ dikHash }) => equal(dikHash, identity.dikHash));
  if (!entry || second || now > entry.notAfter) return refuse('the list does not hold the device');
  return deviceAddress(identity.member, entry.device);
}

/** One for another name stays as it was: a slip of the app must not cost its member the invite. */
function inviteOf({ invites, clock }: Gatekeeper, identity: Identity, token: Uint8Array): Leave {
  const [hash, member] = [sha256(token), localpartOf(identity.member)];
  return {
    async check() {
      if (token.length === 0) refuse('no such member, and no invite');
      if (!(await invites.live(hash, member, clock.now()))) throw new VollyError('bad_invite');
    },
    async spend() {
      await invites.use(hash, member, clock.now());
    },
  };
}

/** One that does not pass leaves the shelf as it is: the device sees that by `prekey_hash` and is not locked out for it. */
async function shelve({ publisher }: Gatekeeper, device: DeviceAddress, bundle: Uint8Array): Promise<void> {
  try {
    await publisher.publish(device, bundle);
  } catch (error) {
    if (!(error instanceof VollyError) || error.code === 'database') throw error;
  }
}
