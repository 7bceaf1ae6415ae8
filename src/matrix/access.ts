/**
 * How the bridge user's inbox is read. Two ways are known, and which one a homeserver has is found out by trying: a way is right once a
 * message to ourselves came back by it (echo.ts), whatever the homeserver calls itself. What was found is kept as a fact, and tried anew when
 * the homeserver is another than before, refuses, or is deaf.
 *
 * A login's token stands in the database (mode 0600) and nowhere else. It is never logged out, since that deletes the device with all that it
 * has not read yet; the next login of the same device takes its place.
 */
import type { ErrorCode } from '../errors.ts';
import { bridgeUserOf, type ServerName } from '../ids.ts';
import type { Log } from '../routing/ports.ts';
import type { FactStore } from '../storage/types.ts';
import { loginDevice, makeDevice, registerBridgeUser, setDisplayName } from './bridge-user.ts';
import type { HomeserverClient } from './client.ts';
import { HomeserverError, parseObject } from './failure.ts';
import { identify } from './identify.ts';

/** As `as_token` the application service speaks for the user's device (Synapse); as `login` the device has a token of its own (Dendrite). */
export type Way = 'as_token' | 'login';

const other = (way: Way): Way => (way === 'as_token' ? 'login' : 'as_token');

const FOUND = 'homeserver';
const TOKEN = 'homeserver login';

export interface AccessState {
  /** `Synapse/1.163.2`, or `unknown`. */
  readonly software: string;
  readonly way: Way;
  /** A message came back by this way, in this run or an earlier one. */
  readonly proven: boolean;
  /** The bridge user has a name: without one, healing after a cut is slower. */
  readonly named: boolean;
}

export interface AccessOptions {
  readonly client: HomeserverClient;
  readonly server: ServerName;
  readonly facts: FactStore;
  readonly log: Log;
}

export class BridgeAccess {
  readonly #options: AccessOptions;
  #way: Way = 'as_token';
  #proven = false;
  #named = false;
  #software: string | undefined;
  #fingerprint: string | undefined;
  /** What the facts hold as found out. */
  #kept: string | undefined;

  constructor(options: AccessOptions) {
    this.#options = options;
  }

  /** Undefined until the homeserver has answered. */
  get state(): AccessState | undefined {
    if (this.#software === undefined) return undefined;
    return {
      software: this.#software,
      way: this.#way,
      proven: this.#proven,
      named: this.#named,
    };
  }

  /** Makes user, device and name, or finds them there: safe to repeat. Throws HomeserverError, `database`, and `shutting_down` when `signal` aborts. */
  async prepare(signal?: AbortSignal): Promise<void> {
    const { client, server, log } = this.#options;
    const { software, fingerprint } = await identify(client, signal);
    if (fingerprint !== this.#fingerprint) await this.#meet(fingerprint);
    this.#software = software;
    this.#fingerprint = fingerprint;
    await registerBridgeUser(client, signal);
    try {
      await this.#open(signal);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      this.#turn();
      await this.#open(signal);
    }
    this.#named = await setDisplayName(client, bridgeUserOf(server), log, signal);
  }

  /**
   * The homeserver brings nothing by this way (`homeserver_deaf`), or refuses; then a login is not used again. A way that has worked is tried
   * once more before the other one.
   */
  async doubt(why: ErrorCode): Promise<void> {
    if (!this.#proven) this.#way = other(this.#way);
    this.#proven = false;
    if (why === 'homeserver_refused') await this.#forgetLogin();
  }

  /** A message came back. */
  async prove(): Promise<void> {
    this.#proven = true;
    const found = JSON.stringify({ fingerprint: this.#fingerprint, way: this.#way });
    if (found === this.#kept) return;
    await this.#options.facts.set(FOUND, found);
    this.#kept = found;
    this.#options.log.info('how this homeserver is read', { software: this.#software ?? 'unknown', way: this.#way });
  }

  /** Another homeserver than before, or the first look in this run: what was found out holds only for the one it was found out with. */
  async #meet(fingerprint: string): Promise<void> {
    this.#kept = await this.#options.facts.get(FOUND);
    const found = parseObject(this.#kept ?? '');
    this.#proven = found['fingerprint'] === fingerprint;
    this.#way = this.#proven && found['way'] === 'login' ? 'login' : 'as_token';
  }

  #turn(): void {
    this.#way = other(this.#way);
    this.#proven = false;
  }

  async #open(signal: AbortSignal | undefined): Promise<void> {
    const { client, facts } = this.#options;
    if (this.#way === 'as_token') {
      client.useLogin(undefined);
      await makeDevice(client, signal);
      return;
    }
    let token = await facts.get(TOKEN);
    if (!token) {
      token = await loginDevice(client, signal);
      await facts.set(TOKEN, token);
    }
    client.useLogin(token);
  }

  async #forgetLogin(): Promise<void> {
    const { client, facts } = this.#options;
    client.useLogin(undefined);
    if (await facts.get(TOKEN)) await facts.set(TOKEN, '');
  }
}

const isRefusal = (error: unknown): boolean => error instanceof HomeserverError && error.code === 'homeserver_refused';
