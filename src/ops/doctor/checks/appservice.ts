/** Bridge and homeserver know each other: both tokens, both addresses, the server name, the bridge user. */
import { createServer, type Server } from 'node:http';
import { equal, utf8 } from '../../../bytes.ts';
import type { Tokens } from '../../../config/registration.ts';
import type { Config } from '../../../config/schema.ts';
import { BRIDGE_DEVICE, BRIDGE_LOCALPART, bridgeUserOf } from '../../../ids.ts';
import type { Status } from '../../status.ts';
import { type Check, check } from '../check.ts';
import { failed, notTried, type Outcome, ok, warning } from '../finding.ts';
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

/** A black hole at appservice.url: Synapse itself would wait for a minute. */
const PING_MS = 10_000;

export const pingCheck = (
  config: Check<Config>,
  registration: Check<Tokens>,
  account: Check<Account>,
  bridge: Check<Status | undefined>,
  ports: Check<void>,
): Check<void> =>
  check({
    name: 'ping',
    needs: [config, registration, account, bridge, ports],
    async run([config, { hsToken }, { service }, status]) {
      const stand = status ? undefined : await standIn(config, hsToken);
      try {
        const path = `/_matrix/client/v1/appservice/${encodeURIComponent(config.appservice.id)}/ping`;
        const body = { transaction_id: crypto.randomUUID() };
        return judgePing(
          await service(path, { method: 'POST', body, timeoutMs: PING_MS }),
          stand?.heard(),
          config.appservice.url,
        );
      } finally {
        stand?.end();
      }
    },
  });

/** Whoever asks for the path of a ping, and with which token; undefined where the bridge listens itself. */
type Heard = 'nothing' | 'right token' | 'wrong token' | undefined;

function judgePing(asked: Asked, heard: Heard, url: string): Outcome<void> {
  if (isTrouble(asked))
    return asked.trouble === 'silent'
      ? failed('appservice_url_unreachable', `${url}: the homeserver still waits for an answer`)
      : failed('homeserver_failing', asked.reason);
  const errcode = asked.json['errcode'];
  if (heard === 'wrong token') return failed('hs_token_differs', said(asked));
  if (asked.status === 200) {
    if (heard === 'nothing') return failed('appservice_url_is_another', `${url}, where something else answered it`);
    return ok(`reaches ${url}, ${asked.json['duration_ms']} ms`, undefined);
  }
  if (asked.status === 404) return notTried('this homeserver has no ping'); // Dendrite
  if (errcode === 'M_FORBIDDEN') return failed('appservice_id_differs', said(asked));
  if (errcode === 'M_BAD_STATUS') {
    const status = asked.json['status'];
    const isToken = heard === undefined && (status === 401 || status === 403);
    return failed(isToken ? 'hs_token_differs' : 'appservice_url_is_another', `${url} answered the homeserver ${status}`);
  }
  return failed('appservice_url_unreachable', `${url}: ${said(asked)}`);
}

/** In the place of a bridge for one ping. What else the homeserver sends is refused, and sent again when the bridge runs. */
async function standIn(config: Config, hsToken: string): Promise<{ heard: () => Heard; end: () => void }> {
  let heard: Heard = 'nothing';
  const expected = utf8(`Bearer ${hsToken}`);
  const server: Server = createServer((request, response) => {
    const isOurs = equal(utf8(request.headers.authorization ?? ''), expected);
    const isPing = request.url?.split('?')[0] === '/_matrix/app/v1/ping';
    if (isPing) heard = isOurs ? 'right token' : 'wrong token';
    request.resume();
    const status = isOurs ? (isPing ? 200 : 503) : 403;
    response.writeHead(status, { 'content-type': 'application/json' }).end('{}');
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(config.appservice.listen, resolve);
  });
  return {
    heard: () => heard,
    end: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
