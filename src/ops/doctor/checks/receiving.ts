/** Whether what is sent to the bridge user comes to the bridge. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../../../config/schema.ts';
import { BRIDGE_DEVICE, bridgeUserOf } from '../../../ids.ts';
import { LIMITS } from '../../../limits.ts';
import type { Status } from '../../status.ts';
import { type Check, check } from '../check.ts';
import { failed, notTried, type Outcome, ok, warning } from '../finding.ts';
import { said } from '../http.ts';
import { isTrouble } from '../network.ts';
import type { DoctorPorts } from '../ports.ts';
import type { Account, Way } from './appservice.ts';

/** As matrix/echo.ts: its own warning begins there. */
const SLOW_MS = 2_000;
/** Three polls of the bridge, each with its grace. */
const STALE_MS = 60_000;
/** A bridge that has just started, or whose homeserver has, needs some seconds. */
const PATIENCE_MS = 15_000;
const RETRY_MS = 500;
const POLL_MS = 250;
/** What a homeserver puts into one answer: behind so many unread ones the echo would not be seen. */
const PAGE = 100;
const BY_LOGIN = 'this homeserver is read by a login of its own, which a start makes';
const FILTER = JSON.stringify({ presence: { not_types: ['*'] }, account_data: { not_types: ['*'] }, room: { rooms: [] } });

export const receivingCheck = (
  { askStatus, returnMs }: Pick<DoctorPorts, 'askStatus' | 'returnMs'>,
  config: Check<Config>,
  account: Check<Account>,
  bridgeUser: Check<Way>,
  bridge: Check<Status | undefined>,
  software: Check<string | undefined>,
): Check<void> =>
  check({
    name: 'receiving',
    needs: [config, account, bridgeUser, bridge, software],
    deadlineMs: 30_000,
    async run([config, account, way, status, name]) {
      if (status) return judge(await whenReady(status, () => askStatus(config)));
      if (way === 'login') return notTried(BY_LOGIN);
      const found = await echo(config, account, returnMs);
      // Dendrite takes the device, and brings nothing by the as_token.
      const isLost = found.result === 'failed' && found.code === 'echo_lost';
      return isLost && !name?.startsWith('Synapse/') ? notTried(BY_LOGIN) : found;
    },
  });

async function whenReady(first: Status, again: () => Promise<Status>): Promise<Status> {
  const end = performance.now() + PATIENCE_MS;
  let status = first;
  while (!status.homeserver.ready && performance.now() < end) {
    await sleep(RETRY_MS);
    status = await again();
  }
  return status;
}

function judge({ homeserver: { ready, lagMs, lastSyncAgeMs } }: Status): Outcome<void> {
  const age = lastSyncAgeMs === undefined ? 'no answer yet' : `last answer ${Math.round(lastSyncAgeMs / 1_000)} s ago`;
  if (!ready || (lastSyncAgeMs ?? 0) > STALE_MS) return failed('not_receiving', age);
  const lag = `a message to itself takes ${lagMs} ms`;
  return (lagMs ?? 0) > SLOW_MS ? warning('slow_homeserver', lag, undefined) : ok(lag, undefined);
}

/** Asked without a position the homeserver tells all that is unread and forgets none of it: what waits for the bridge is left to it. */
async function echo({ homeserver }: Config, { user }: Account, returnMs: number): Promise<Outcome<void>> {
  const nonce = crypto.randomUUID();
  const path = `/_matrix/client/v3/sendToDevice/app.volly.echo/${crypto.randomUUID()}`;
  const messages = { [bridgeUserOf(homeserver.server_name)]: { [BRIDGE_DEVICE]: { nonce } } };
  const started = performance.now();
  const sent = await user(path, { method: 'PUT', body: { messages } });
  if (isTrouble(sent) || sent.status >= 400)
    return failed('homeserver_failing', `sending: ${isTrouble(sent) ? sent.reason : said(sent)}`);
  while (performance.now() - started < returnMs) {
    const events = await unread(user);
    if (!Array.isArray(events)) return failed('homeserver_failing', `reading: ${events}`);
    const ms = Math.round(performance.now() - started);
    if (events.some((event) => nonceOf(event) === nonce)) {
      const lag = `a message to itself takes ${ms} ms`;
      return ms > SLOW_MS ? warning('slow_homeserver', lag, undefined) : ok(lag, undefined);
    }
    if (events.length >= PAGE) return notTried('more messages wait for the bridge than one answer holds: start it');
    await sleep(POLL_MS);
  }
  return failed('echo_lost', `not back after ${returnMs / 1_000} s`);
}

/** The events, or what went wrong. */
async function unread(user: Account['user']): Promise<readonly unknown[] | string> {
  // Synapse keeps such an answer for two minutes for whoever asks in the same words; a time-out that counts for nothing makes them differ.
  const timeout = String(Math.floor(Math.random() * 10_000));
  const query = { device_id: BRIDGE_DEVICE, filter: FILTER, set_presence: 'offline', timeout };
  const answer = await user('/_matrix/client/v3/sync', { maxBytes: LIMITS.syncBytes }, query);
  if (isTrouble(answer)) return answer.reason;
  if (answer.status >= 400) return said(answer);
  const { events } = (answer.json['to_device'] ?? {}) as { events?: unknown };
  return Array.isArray(events) ? events : [];
}

function nonceOf(event: unknown): unknown {
  const { content } = (event ?? {}) as { content?: { nonce?: unknown } };
  return content?.nonce;
}
