/** The gateway as members' apps find it: at its public address, through whatever stands in front. */
import type { IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import type { Bytes } from '../../../bytes.ts';
import type { Config } from '../../../config/schema.ts';
import type { Status } from '../../status.ts';
import { type Check, check } from '../check.ts';
import { failed, notTried, type Outcome, ok } from '../finding.ts';
import { type Answer, certificateOf } from '../http.ts';
import { codeOfTrouble, networkTrouble } from '../network.ts';
import type { DoctorPorts, GatewayHello } from '../ports.ts';
import type { TroubleCode } from '../troubles.ts';
import { endsSoon } from './secrets.ts';

const HELLO_BYTES = 65_536;

const TROUBLES = {
  refused: 'gateway_unreachable',
  unknown_host: 'gateway_unknown_host',
  silent: 'gateway_unreachable',
  cut: 'gateway_unreachable',
} as const;

export const gatewayCheck = (
  ports: Pick<DoctorPorts, 'gatewayUrl' | 'greetGateway' | 'answerMs'>,
  config: Check<Config>,
  key: Check<Bytes | undefined>,
  tls: Check<void>,
  bridge: Check<Status | undefined>,
): Check<void> =>
  check({
    name: 'gateway',
    needs: [config, key, tls, bridge],
    run([{ gateway, homeserver }, hash, , status]) {
      if (!status) return notTried('no bridge runs');
      if (hash === undefined) return notTried('there is no community key yet');
      return knock(ports.gatewayUrl(gateway.public_url), ports.greetGateway(homeserver.server_name, hash), ports.answerMs);
    },
  });

function knock(url: string, hello: GatewayHello, answerMs: number): Promise<Outcome<void>> {
  const ws = new WebSocket(url, { handshakeTimeout: answerMs, perMessageDeflate: false, maxPayload: HELLO_BYTES });
  const started = performance.now();
  let certificate: Pick<Answer, 'certificateEnds'> = {};
  const { promise, resolve } = Promise.withResolvers<Outcome<void>>();
  const late = setTimeout(
    () => resolve(failed(ws.readyState === ws.OPEN ? 'not_a_gateway' : 'gateway_unreachable', `${url}: no answer in time`)),
    answerMs + 1_000,
  );
  ws.on('upgrade', (response) => {
    certificate = certificateOf(response);
  });
  ws.on('open', () => ws.send(hello.message));
  ws.once('message', (data) => {
    void hello.read(data as Buffer).then((who) => resolve(judge(url, who, Math.round(performance.now() - started), certificate)));
  });
  ws.on('unexpected-response', (_, response) => resolve(refused(url, response)));
  ws.on('close', () => resolve(failed('not_a_gateway', `${url} ended it`)));
  ws.on('error', (error) => {
    const { trouble, reason } = networkTrouble(timedOut(error), url.startsWith('wss:'));
    resolve(failed(codeOfTrouble(trouble, TROUBLES), `${url} (${reason})`));
  });
  return promise.finally(() => {
    clearTimeout(late);
    ws.terminate();
  });
}

/** ws says it in words alone. */
const timedOut = (error: Error): unknown => (/has timed out/.test(error.message) ? { code: 'NO_ANSWER' } : error);

function judge(
  url: string,
  who: 'ours' | 'other' | 'none',
  ms: number,
  certificate: Pick<Answer, 'certificateEnds'>,
): Outcome<void> {
  if (who === 'none') return failed('not_a_gateway', url);
  if (who === 'other') return failed('gateway_of_other_community', url);
  return endsSoon(certificate, undefined) ?? ok(`${url} is this gateway, ${ms} ms`, undefined);
}

/** 426 is the gateway's own answer to what asks for no upgrade: the proxy reached it, and left the header behind. */
function refused(url: string, { statusCode = 0 }: IncomingMessage): Outcome<void> {
  if (statusCode === 429) return notTried('too many come to the gateway at this moment');
  return failed(refusalOf(statusCode), `${url} answers ${statusCode}`);
}

function refusalOf(status: number): TroubleCode {
  if (status === 404 || (status >= 300 && status < 400)) return 'gateway_path_differs';
  return status >= 502 && status <= 504 ? 'gateway_not_behind' : 'upgrade_dropped';
}
