/** SIGHUP: a running bridge reads its configuration again and takes over what it can. */
import { X509Certificate } from 'node:crypto';
import { changesIn } from '../config/changes.ts';
import type { Config } from '../config/schema.ts';
import { VollyError } from '../errors.ts';
import type { Log } from '../routing/ports.ts';
import { readTls } from './tls.ts';

/** The configuration that holds. */
export class Settings {
  #now: Config;
  readonly #followers: ((now: Config) => void)[] = [];

  constructor(config: Config) {
    this.#now = config;
  }

  get now(): Config {
    return this.#now;
  }

  /** Calls `take` at once, and again after each reload, whatever has changed. */
  follow(take: (now: Config) => void): void {
    this.#followers.push(take);
    take(this.#now);
  }

  /** Nothing changes where the new configuration is no good, or its certificate. */
  reload(load: () => Config, log: Log): void {
    try {
      const { config, applied, waiting } = changesIn(this.#now, load());
      const tls = readTls(config);
      // At the level that held till now.
      log.info('configuration reloaded', {
        applied: named(applied),
        waiting: named(waiting),
        ...(tls && { certificate_until: new X509Certificate(tls.cert).validToDate.toISOString() }),
      });
      this.#now = config;
      for (const take of this.#followers) take(config);
    } catch (error) {
      if (!(error instanceof VollyError)) throw error;
      log.warn('the configuration was not reloaded; the one before holds', { reason: error.message });
    }
  }
}

const named = (options: readonly string[]): string => options.join(', ') || 'nothing';
