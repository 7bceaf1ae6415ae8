/** The database, the running bridge, and the addresses that it listens on. */
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Config } from '../../../config/schema.ts';
import { codeOf, VollyError } from '../../../errors.ts';
import { LIMITS } from '../../../limits.ts';
import { reachable } from '../../listen.ts';
import type { Status } from '../../status.ts';
import { type Check, check } from '../check.ts';
import { failed, notTried, type Outcome, ok, warning } from '../finding.ts';
import { ask } from '../http.ts';
import { isTrouble } from '../network.ts';
import type { DoctorPorts } from '../ports.ts';
import { isOpen, isUnreadable } from './permissions.ts';

const DEADLINE_MS = 20_000;
const LIVE_MS = 3_000;

export const databaseCheck = (
  { inspectDatabase }: Pick<DoctorPorts, 'inspectDatabase'>,
  config: Check<Config>,
  storage: Check<void>,
): Check<void> =>
  check({
    name: 'database',
    needs: [config, storage],
    run([{ storage }]) {
      const file = storage.path;
      if (isUnreadable(file)) return notTried('it cannot be read');
      if (!existsSync(file)) return ok('the first start makes it', undefined);
      const found = inspectDatabase(file);
      if (found.state === 'corrupt') return failed('database_corrupt', `${file} (${found.reason})`);
      if (found.state === 'unusable') return failed('database_unusable', `${file} (${found.reason})`);
      const versions = `schema ${found.version}, this program’s is ${found.known}`;
      if (found.version > found.known) return failed('newer_schema', versions);
      return found.version < found.known ? warning('outdated_schema', versions, undefined) : ok(versions, undefined);
    },
  });

type Ports = Pick<DoctorPorts, 'askStatus' | 'isHeld' | 'version' | 'answerMs'>;

/** The status of the bridge that runs; undefined where none does. */
export const bridgeCheck = (ports: Ports, config: Check<Config>): Check<Status | undefined> =>
  check({
    name: 'bridge',
    needs: [config],
    deadlineMs: DEADLINE_MS,
    async run([config]) {
      let status: Status;
      try {
        status = await inTime(ports.askStatus(config), ports.answerMs);
      } catch (error) {
        return notAnswering(codeOf(error) ?? 'bug', config, ports);
      }
      const up = `version ${status.version}, up ${Math.round(status.uptimeMs / 1_000)} s`;
      if (status.version === ports.version) return ok(up, status);
      return warning('bridge_outdated', `${up}; installed is ${ports.version}`, status);
    },
  });

/** One that hangs takes the connection and answers nothing. */
async function inTime<T>(answer: Promise<T>, ms: number): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new VollyError('not_running', 'no answer in time')), ms);
  return Promise.race([answer, late.promise]).finally(() => clearTimeout(timer));
}

const listenOf = ({ appservice: { listen } }: Config): string => `http://${reachable(listen.host)}:${listen.port}`;

async function notAnswering(code: string, config: Config, { isHeld }: Ports): Promise<Outcome<undefined>> {
  const at = listenOf(config);
  if (code === 'database') return failed('bridge_database_fails', at);
  if (code === 'bad_config') {
    const { token } = config.admin;
    if (isUnreadable(token) || isOpen(token)) return notTried('the admin token’s rights come first');
    return failed('admin_token_unusable', token);
  }
  const live = await ask(`${at}/live`, { timeoutMs: LIVE_MS });
  if (!isTrouble(live) && live.json['live'] === true) return failed('bridge_of_other_config', at);
  if (existsSync(config.storage.path) && isHeld(config.storage.path)) return failed('database_held', config.storage.path);
  // The next check names what that is.
  if (!isTrouble(live) || live.trouble !== 'refused') return ok('none runs: another program has its port', undefined);
  return warning('bridge_not_running', `nothing of ours answers at ${at}`, undefined);
}

export const portsCheck = (config: Check<Config>, bridge: Check<Status | undefined>): Check<void> =>
  check({
    name: 'ports',
    needs: [config, bridge],
    async run([{ appservice, gateway, admin }, running]) {
      const places = { appservice: appservice.listen, gateway: gateway.listen, admin: admin.listen };
      if (running) return ok('the running bridge has them', undefined);
      for (const [name, at] of Object.entries(places)) {
        const code = await tryListen(at);
        const shown = `${name}.listen ${at.host}:${at.port}`;
        if (code === 'EADDRINUSE') return failed('port_taken', shown);
        if (code !== undefined) return failed('address_unusable', `${shown} (${code})`);
      }
      return ok('free', undefined);
    },
  });

/** The system's word for why not. */
function tryListen(at: { readonly host: string; readonly port: number }): Promise<string | undefined> {
  const server = createServer((socket) => socket.destroy());
  return new Promise((resolve) => {
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'unknown'));
    server.listen({ ...at, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

export const peersCheck = (bridge: Check<Status | undefined>): Check<void> =>
  check({
    name: 'peers',
    needs: [bridge],
    run([status]) {
      if (!status) return notTried('no bridge runs');
      const { peers } = status;
      const off = peers.filter(({ skewMs = 0 }) => Math.abs(skewMs) > LIMITS.skewMs);
      if (off.length > 0)
        return warning('peer_clock', few(off.map(({ server, skewMs = 0 }) => `${server} ${seconds(skewMs)}`)), undefined);
      const late = peers.filter(({ state }) => state !== 'ok');
      if (late.length === 0) return ok(peers.length === 0 ? 'none yet' : `${peers.length}, nothing waits long`, undefined);
      return warning(
        'peers_waiting',
        few(late.map(({ server, state, waiting }) => `${server} ${state} with ${waiting} waiting`)),
        undefined,
      );
    },
  });

const FEW = 5;
const few = (texts: readonly string[]): string =>
  `${texts.slice(0, FEW).join(', ')}${texts.length > FEW ? ` and ${texts.length - FEW} more` : ''}`;

export const seconds = (ms: number): string => `${ms >= 0 ? '+' : ''}${(ms / 1_000).toFixed(1)} s`;
