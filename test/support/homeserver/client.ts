/** A very small Matrix client for tests. Node's fetch keeps connections alive by itself. */
import { createHmac, randomUUID } from 'node:crypto';
import type { Homeserver } from './homeserver.ts';

// biome-ignore lint/suspicious/noExplicitAny: tests read answers field by field, and a wrong guess fails the test
export type Json = Record<string, any>;

/** An answer that is not 2xx. */
export class MatrixError extends Error {
  override readonly name = 'MatrixError';
  readonly status: number;
  readonly errcode: string | undefined;

  constructor(call: string, status: number, body: Json) {
    super(`${call}: ${status} ${JSON.stringify(body)}`);
    this.status = status;
    this.errcode = body['errcode'];
  }
}

export class MatrixClient {
  readonly url: string;
  readonly token: string | undefined;

  /** `url`: a Synapse's clientUrl. `token`: sent with every request that names no other. */
  constructor(url: string, token?: string) {
    this.url = url;
    this.token = token;
  }

  /** `path` with its query, from `/_matrix/…`, parts encoded by the caller. */
  async request(method: string, path: string, body?: unknown, token = this.token, signal?: AbortSignal): Promise<Json> {
    const headers: Record<string, string> = { 'content-type': 'application/json' };
    if (token !== undefined) headers['authorization'] = `Bearer ${token}`;
    const init: RequestInit = { method, headers };
    if (body !== undefined) init.body = JSON.stringify(body);
    if (signal !== undefined) init.signal = signal;
    const response = await fetch(this.url + path, init);
    const text = await response.text();
    const answer = text === '' ? {} : JSON.parse(text);
    if (!response.ok) throw new MatrixError(`${method} ${path}`, response.status, answer);
    return answer;
  }
}

export interface PlainUser {
  readonly userId: string;
  readonly deviceId: string;
  /** Signed in as this user. */
  readonly client: MatrixClient;
}

/** Registers an ordinary user through the shared secret, which needs neither open registration nor a captcha. */
export async function registerUser(home: Homeserver, username: string, password: string = randomUUID()): Promise<PlainUser> {
  const path = '/_synapse/admin/v1/register';
  const anonymous = new MatrixClient(home.clientUrl);
  const { nonce } = await anonymous.request('GET', path);
  const mac = createHmac('sha1', home.registrationSecret)
    .update([nonce, username, password, 'notadmin'].join('\0'))
    .digest('hex');
  const user = await anonymous.request('POST', path, { nonce, username, password, admin: false, mac });
  return {
    userId: user['user_id'],
    deviceId: user['device_id'],
    client: new MatrixClient(home.clientUrl, user['access_token']),
  };
}
