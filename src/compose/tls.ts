/** The gateway's own certificate, where it ends TLS itself. */
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import type { Config } from '../config/schema.ts';
import { VollyError } from '../errors.ts';

export interface Pem {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** Undefined where a proxy ends TLS. Throws `bad_config` for files that cannot be read, are no PEM or do not fit each other. */
export function readTls({ gateway: { tls } }: Pick<Config, 'gateway'>): Pem | undefined {
  if (tls === undefined) return undefined;
  try {
    const pem = { cert: readFileSync(tls.certificate), key: readFileSync(tls.key) };
    createSecureContext(pem);
    return pem;
  } catch (error) {
    throw new VollyError('bad_config', `gateway.tls: ${(error as Error).message}`, { cause: error });
  }
}
