/** The other way: the homeserver reaches the bridge, and shows the right token. MSC2659. */
import { createServer } from 'node:http';
import { equal, utf8 } from '../../../bytes.ts';
import type { Tokens } from '../../../config/registration.ts';
import type { Config } from '../../../config/schema.ts';
import type { Status } from '../../status.ts';
import { type Check, check } from '../check.ts';
import { failed, notTried, type Outcome, ok } from '../finding.ts';
import { type Asked, said } from '../http.ts';
import { isTrouble } from '../network.ts';
import type { Account } from './appservice.ts';

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
  const server = createServer((request, response) => {
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
