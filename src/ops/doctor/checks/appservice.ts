/** The homeserver knows the bridge: its token, its server name, its user. */
import type { Tokens } from '../../../config/registration.ts';
import type { Config } from '../../../config/schema.ts';
import { BRIDGE_DEVICE, BRIDGE_LOCALPART, bridgeUserOf } from '../../../ids.ts';
import type { Status } from '../../status.ts';
import { type Check, check } from '../check.ts';
import { failed, type Outcome, ok, warning } from '../finding.ts';
import { type Answer, type Ask, type Asked, ask, said } from '../http.ts';
import { isTrouble } from '../network.ts';
import type { Homeserver } from './homeserver.ts';

/** Speaks to the homeserver as the application service, or as the bridge user. */
export interface Account {
  readonly service: (path: string, request?: Ask) => Promise<Asked>;
  readonly user: (path: string, request?: Ask, query?: Readonly<Record<string, string>>) => Promise<Asked>;
  /** `@_volly.as:orchid.example`, as the homeserver says. */
  readonly sender: string;
}

export const asTokenCheck = (config: Check<Config>, registration: Check<Tokens>, homeserver: Check<Homeserver>): Check<Account> =>
  check({
    name: 'as_token',
    needs: [config, registration, homeserver],
    async run([config, { asToken }, { url }]) {
      const userId = bridgeUserOf(config.homeserver.server_name);
      const service: Account['service'] = (path, request = {}) => ask(url + path, { ...request, token: asToken });
      const user: Account['user'] = (path, request, query = {}) =>
        service(`${path}?${new URLSearchParams({ ...query, user_id: userId })}`, request);
      const whoami = await service('/_matrix/client/v3/account/whoami');
      if (isTrouble(whoami)) return failed('homeserver_failing', whoami.reason);
      const sender = whoami.json['user_id'];
      if (whoami.status === 200 && typeof sender === 'string') return ok('known', { service, user, sender });
      return failed(whoami.status === 401 ? 'as_token_unknown' : 'homeserver_failing', said(whoami));
    },
  });

export const serverNameCheck = (config: Check<Config>, account: Check<Account>): Check<void> =>
  check({
    name: 'server_name',
    needs: [config, account],
    run([config, { sender }]) {
      const theirs = sender.slice(sender.indexOf(':') + 1);
      const ours = config.homeserver.server_name;
      if (theirs === ours) return ok(ours, undefined);
      return failed('server_name_differs', `configured is ${ours}, the homeserver’s is ${theirs}`);
    },
  });

/** How the bridge user's inbox is read; see matrix/access.ts. */
export type Way = 'as_token' | 'login';

/** As a start does it: register without a login, then the device. Both are safe to repeat. */
export const bridgeUserCheck = (
  config: Check<Config>,
  account: Check<Account>,
  serverName: Check<void>,
  bridge: Check<Status | undefined>,
): Check<Way> =>
  check({
    name: 'bridge_user',
    needs: [config, account, serverName, bridge],
    async run([config, { service, user }, , status]) {
      const name = bridgeUserOf(config.homeserver.server_name);
      const register = { type: 'm.login.application_service', username: BRIDGE_LOCALPART, inhibit_login: true };
      const registered = await service('/_matrix/client/v3/register?kind=user', { method: 'POST', body: register });
      if (isTrouble(registered)) return failed('homeserver_failing', registered.reason);
      if (registered.status >= 400 && registered.json['errcode'] !== 'M_USER_IN_USE') return refused(registered, name);
      if (status?.homeserver.way === 'login') return ok(`${name}, read by a login of its own`, 'login');
      const body = { display_name: 'Volly bridge' };
      const device = await user(`/_matrix/client/v3/devices/${BRIDGE_DEVICE}`, { method: 'PUT', body });
      if (isTrouble(device)) return failed('homeserver_failing', device.reason);
      if (device.status === 404) return ok(`${name}, read by a login of its own`, 'login'); // Dendrite
      if (device.status >= 400) return refused(device, name);
      if (status?.homeserver.ready && !status.homeserver.named) return warning('bridge_user_nameless', name, 'as_token');
      return ok(`${name}, device ${BRIDGE_DEVICE}`, 'as_token');
    },
  });

const refused = (answer: Answer, name: string): Outcome<never> =>
  failed(answer.status >= 500 ? 'homeserver_failing' : 'user_refused', `${name}: ${said(answer)}`);
