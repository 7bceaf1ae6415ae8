/** Whether other communities find this one, and this one finds them. */
import type { Config } from '../../../config/schema.ts';
import { BRIDGE_DEVICE, bridgeUserOf, isServerName, type ServerName } from '../../../ids.ts';
import { type Check, check } from '../check.ts';
import { failed, notTried, type Outcome, ok, warning } from '../finding.ts';
import { type Asked, said } from '../http.ts';
import { codeOfTrouble, isTrouble } from '../network.ts';
import type { DoctorPorts } from '../ports.ts';
import { askFederation } from '../resolve.ts';
import type { Account, Way } from './appservice.ts';
import { endsSoon } from './secrets.ts';

const UNREACHABLE = {
  refused: 'federation_unreachable',
  unknown_host: 'federation_unreachable',
  silent: 'federation_unreachable',
  cut: 'federation_unreachable',
} as const;

export const federationCheck = (config: Check<Config>, serverName: Check<void>): Check<void> =>
  check({
    name: 'federation',
    needs: [config, serverName],
    deadlineMs: 30_000,
    async run([{ homeserver }]) {
      const name = homeserver.server_name;
      const asked = await askFederation(name);
      if (asked === 'broken') return failed('well_known_broken', `https://${name}/.well-known/matrix/server`);
      if (isTrouble(asked)) {
        const code = codeOfTrouble(asked.trouble, UNREACHABLE);
        // Many a router does not let its own network in by the public address.
        return code === 'federation_unreachable' ? warning(code, asked.reason, undefined) : failed(code, asked.reason);
      }
      if (asked.json['server_name'] !== name) return failed('federation_leads_elsewhere', nameSaid(asked));
      return endsSoon(asked, undefined) ?? ok(`reached in ${asked.ms} ms`, undefined);
    },
  });

function nameSaid(asked: Asked): string {
  if (isTrouble(asked)) return asked.reason;
  const name = asked.json['server_name'];
  return typeof name === 'string' && isServerName(name) ? `answers as ${name}` : `answers ${said(asked)}`;
}

/** For a query over federation: our homeserver gives up by itself within this. */
const QUERY_MS = 8_000;

export const peerCheck = (
  { mayTalk }: Pick<DoctorPorts, 'mayTalk'>,
  peer: ServerName,
  config: Check<Config>,
  account: Check<Account>,
  bridgeUser: Check<Way>,
): Check<void> =>
  check({
    name: 'peer',
    subject: peer,
    needs: [config, account, bridgeUser],
    deadlineMs: 40_000,
    async run([config, { user }]) {
      if (peer === config.homeserver.server_name) return notTried('that is this community');
      if (!mayTalk(config, peer)) return failed('peer_denied', peer);
      const body = { device_keys: { [bridgeUserOf(peer)]: [BRIDGE_DEVICE] }, timeout: QUERY_MS };
      const keys = await user('/_matrix/client/v3/keys/query', { method: 'POST', body, timeoutMs: 2 * QUERY_MS });
      if (!isTrouble(keys) && keys.status === 200 && !hasFailed(keys.json['failures'], peer))
        return ok(`our homeserver reaches it in ${keys.ms} ms`, undefined);
      return whyNot(peer);
    },
  });

const hasFailed = (failures: unknown, peer: ServerName): boolean =>
  typeof failures === 'object' && failures !== null && Object.hasOwn(failures, peer);

async function whyNot(peer: ServerName): Promise<Outcome<void>> {
  const direct = await askFederation(peer);
  if (direct === 'broken') return failed('peer_unreachable', 'its well-known file is broken');
  if (!isTrouble(direct) && direct.json['server_name'] === peer)
    return failed('peer_backed_off', `this machine reaches it in ${direct.ms} ms`);
  return failed('peer_unreachable', nameSaid(direct));
}
