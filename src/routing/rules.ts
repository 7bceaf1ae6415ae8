/** With whom envelopes are exchanged now: the configuration's policy, less those whom the operator blocked while the bridge ran. */
import type { Clock } from '../clock.ts';
import type { ServerName } from '../ids.ts';
import type { PeerStore } from '../storage/types.ts';
import { createPolicy, type Policy, type PolicyOptions } from './policy.ts';

export class Rules {
  readonly #store: Pick<PeerStore, 'blocked' | 'block'>;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #blocked = new Set<ServerName>();
  #configured: Policy;

  constructor(store: Pick<PeerStore, 'blocked' | 'block'>, clock: Pick<Clock, 'now'>, policy: PolicyOptions) {
    this.#store = store;
    this.#clock = clock;
    this.#configured = createPolicy(policy);
  }

  readonly allow: Policy = (server) => !this.#blocked.has(server) && this.#configured(server);

  /** Throws `database`. */
  async start(): Promise<void> {
    for (const { server } of await this.#store.blocked()) this.#blocked.add(server);
  }

  configure(policy: PolicyOptions): void {
    this.#configured = createPolicy(policy);
  }

  /** Over restarts. False when it was so already. Throws `database`. */
  async block(server: ServerName, blocked: boolean): Promise<boolean> {
    const changed = await this.#store.block(server, blocked ? this.#clock.now() : undefined);
    if (blocked) this.#blocked.add(server);
    else this.#blocked.delete(server);
    return changed;
  }
}
