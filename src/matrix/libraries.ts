/**
 * The one file that touches matrix-appservice-bridge: what it is good at is the members' ghosts, with registration and profile settled by one
 * call. It is loaded at the first ghost, not at start: 0.5 s and 66 MB that a bridge which only carries calls never pays.
 */
import type { AppServiceOutput, Bridge } from 'matrix-appservice-bridge';
import type { VollyError } from '../errors.ts';
import { ghostOf, type MemberId, type ServerName } from '../ids.ts';
import { HomeserverError } from './failure.ts';

export interface GhostsOptions {
  /** The registration file's content. */
  readonly registration: AppServiceOutput;
  readonly homeserverUrl: string;
  readonly server: ServerName;
}

export class Ghosts {
  readonly #options: GhostsOptions;
  #bridge: Promise<Bridge> | undefined;

  constructor(options: GhostsOptions) {
    this.#options = options;
  }

  /**
   * Makes the member's Matrix user, or finds it, and gives it the display name. Safe to repeat.
   * Throws HomeserverError (`homeserver_unreachable`, `homeserver_refused`, `wrong_token`, `rate_limited`).
   */
  async ensure(member: MemberId, displayName: string): Promise<void> {
    this.#bridge ??= this.#open();
    const intent = (await this.#bridge).getIntent(ghostOf(member));
    try {
      await intent.ensureRegistered();
      await intent.ensureProfile(displayName);
    } catch (error) {
      throw translate(error);
    }
  }

  /** Ends the library's timers, which would keep the process alive. */
  async close(): Promise<void> {
    await (await this.#bridge)?.close();
  }

  async #open(): Promise<Bridge> {
    const { noDeprecation } = process;
    process.noDeprecation = true; // it calls util._extend while it loads, which would be a line for the operator
    const { AppServiceRegistration, Bridge, Logger } = await import('matrix-appservice-bridge');
    process.noDeprecation = noDeprecation ?? false;
    Logger.configure({ console: 'off' }); // it would log user ids, in a format of its own
    const { registration, homeserverUrl, server } = this.#options;
    const bridge = new Bridge({
      registration: AppServiceRegistration.fromObject(registration),
      homeserverUrl,
      domain: server,
      disableStores: true, // its stores break on Node 24
      controller: { onEvent: () => {} }, // no listener is opened: events come by our own endpoint
    });
    await bridge.initialise();
    return bridge;
  }
}

/** The library's client throws an object of the answer's fields, or the system's own error. */
function translate(error: unknown): VollyError {
  const said = (typeof error === 'object' && error !== null ? error : {}) as {
    statusCode?: unknown;
    errcode?: unknown;
    retryAfterMs?: unknown;
  };
  if (typeof said.statusCode !== 'number') return new HomeserverError('homeserver_unreachable', 'ghost', { cause: error });
  const status = said.statusCode;
  const errcode = typeof said.errcode === 'string' ? said.errcode : '';
  const details = {
    status,
    errcode,
    ...(typeof said.retryAfterMs === 'number' ? { retryAfterMs: said.retryAfterMs } : {}),
    cause: error,
  };
  if (status === 429) return new HomeserverError('rate_limited', 'ghost answered 429', details);
  if (errcode === 'M_UNKNOWN_TOKEN') return new HomeserverError('wrong_token', `ghost answered ${status}`, details);
  return new HomeserverError(
    status >= 500 ? 'homeserver_unreachable' : 'homeserver_refused',
    `ghost answered ${status}`,
    details,
  );
}
