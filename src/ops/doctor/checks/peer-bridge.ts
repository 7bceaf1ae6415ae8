/** Whether another community has a bridge, and how long a hello takes to it and back. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../../../config/schema.ts';
import { codeOf } from '../../../errors.ts';
import { bridgeUserOf, type ServerName } from '../../../ids.ts';
import { LIMITS } from '../../../limits.ts';
import type { PeerState } from '../../../routing/ports.ts';
import type { Status } from '../../status.ts';
import { type Check, check } from '../check.ts';
import { failed, type Outcome, ok, warning } from '../finding.ts';
import { isTrouble } from '../network.ts';
import type { DoctorPorts } from '../ports.ts';
import type { Account } from './appservice.ts';
import { seconds } from './bridge.ts';

const POLL_MS = 50;
/** The first hello may be one too many for the bridge’s own limit. */
const TRIES = 2;

type Ports = Pick<DoctorPorts, 'askStatus' | 'wakePeer' | 'returnMs'>;

export const peerBridgeCheck = (
  ports: Ports,
  peer: ServerName,
  config: Check<Config>,
  account: Check<Account>,
  reached: Check<void>,
  bridge: Check<Status | undefined>,
): Check<void> =>
  check({
    name: 'peer_bridge',
    subject: peer,
    needs: [config, account, reached, bridge],
    deadlineMs: 60_000,
    async run([config, { user }, , status]) {
      const profile = await user(`/_matrix/client/v3/profile/${encodeURIComponent(bridgeUserOf(peer))}/displayname`);
      if (isTrouble(profile)) return failed('peer_backed_off', profile.reason);
      if (profile.json['errcode'] === 'M_NOT_FOUND') return failed('peer_without_bridge', peer);
      if (status === undefined)
        return ok('it has a bridge user; whether that answers only a running bridge of ours can tell', undefined);
      try {
        return await greet(ports, config, peer, status);
      } catch (error) {
        if (codeOf(error) === 'denied_by_policy') return failed('peer_denied', `${peer} is blocked in the running bridge`);
        throw error;
      }
    },
  });

async function greet(ports: Ports, config: Config, peer: ServerName, status: Status): Promise<Outcome<void>> {
  const stateIn = ({ peers }: Status): PeerState | undefined => peers.find(({ server }) => server === peer);
  const before = stateIn(status)?.heardAt;
  for (let i = 0; i < TRIES; i++) {
    if (!(await ports.wakePeer(config, peer))) continue;
    const started = performance.now();
    while (performance.now() - started < ports.returnMs / TRIES) {
      const now = stateIn(await ports.askStatus(config));
      if (now?.heardAt !== undefined && now.heardAt !== before) return judge(now, Math.round(performance.now() - started));
      await sleep(POLL_MS);
    }
  }
  return failed('peer_silent', 'a hello was not answered');
}

function judge({ skewMs = 0, waiting }: PeerState, ms: number): Outcome<void> {
  if (Math.abs(skewMs) > LIMITS.skewMs) return warning('peer_clock', seconds(skewMs), undefined);
  const rest = waiting > 0 ? `; ${waiting} waiting` : '';
  return ok(`a hello there and back took at most ${ms} ms${rest}`, undefined);
}
