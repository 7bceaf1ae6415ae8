/** What the operator's operations are performed on, from the parts of a running bridge; and the listener of the admin API. */
import { createServer } from 'node:http';
import type { Clock, RandomBytes } from '../clock.ts';
import type { Config } from '../config/schema.ts';
import { codeOf, type ErrorCode } from '../errors.ts';
import type { Directory } from '../gateway/directory.ts';
import { isLegacyFactOf } from '../gateway/legacy/credential.ts';
import { type Localpart, localpartOf, type MemberId } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import { type GhostKeeper, ghostFact } from '../matrix/ghost-keeper.ts';
import { readRefused } from '../matrix/release.ts';
import type { AdminPorts, MakerPorts } from '../ops/admin/ports.ts';
import type { RunOptions } from '../ops/admin/run.ts';
import { adminListener } from '../ops/admin/server.ts';
import { loadToken } from '../ops/admin/token.ts';
import { listen } from '../ops/listen.ts';
import type { Status } from '../ops/status.ts';
import { atMost } from '../routing/at-most.ts';
import type { Junction } from '../routing/junction.ts';
import type { Stores } from '../storage/types.ts';

/** A homeserver that is there has ended a ghost by then. */
const GHOST_MS = 5_000;

export interface AdminParts {
  readonly makers: MakerPorts;
  readonly stores: Stores;
  readonly clock: Clock;
  readonly directory: Directory;
  readonly junction: Junction;
  readonly keeper: Pick<GhostKeeper, 'leave'>;
  /** Of the legacy adapter: ends a member's calls with its connections. */
  readonly expel: (member: Localpart, code: ErrorCode) => Promise<void>;
  readonly status: () => Promise<Status>;
}

export function adminPorts({ makers, stores, clock, directory, junction, keeper, expel, status }: AdminParts): AdminPorts {
  const { server } = makers;
  return {
    ...makers,
    status,
    isOnline: (device) => directory.isOnline(device),
    endDevice: (device, code) => directory.end(device, code),
    async endMember(member, code) {
      await expel(localpartOf(member), code);
      directory.endMember(member, code);
    },
    peers: {
      list: () => junction.peers(),
      blocked: () => stores.peers.blocked(),
      isAllowed: (peer) => junction.isAllowed(peer),
      block: (peer, blocked) => junction.block(peer, blocked),
      wake: (peer) => junction.wake(peer),
    },
    async forget(member) {
      await junction.forget(member);
      await stores.roll.remove(member, clock.now(), (fact) => isFactOf(member, fact));
    },
    async endGhost(member) {
      let ghost: 'gone' | 'waiting' = 'waiting';
      const ending = keeper.leave(localpartOf(member)).then(
        () => {
          ghost = 'gone';
        },
        // The keeper goes on trying; what is no refusal of the homeserver's is a bug.
        (error) => {
          if (codeOf(error) === undefined) throw error;
        },
      );
      await atMost(clock, GHOST_MS, ending);
      return ghost;
    },
    async release(row) {
      const arrivals = readRefused(row, server);
      for (const { envelope, server: from } of arrivals) await junction.route(envelope, { kind: 'server', server: from });
      return arrivals.length;
    },
  };
}

const isFactOf = (member: MemberId, fact: string): boolean =>
  fact === ghostFact(localpartOf(member)) || isLegacyFactOf(member, fact);

/** Listens. The function that it resolves with ends it. Throws `port_taken`, `bad_config`. */
export async function openAdmin(
  { admin }: Pick<Config, 'admin'>,
  run: RunOptions,
  random: RandomBytes,
): Promise<() => Promise<void>> {
  const token = loadToken(admin.token, random);
  const server = createServer(adminListener({ ...run, token }));
  server.maxConnections = LIMITS.adminConnections;
  const listener = await listen(server, admin.listen);
  return () => listener.close();
}
