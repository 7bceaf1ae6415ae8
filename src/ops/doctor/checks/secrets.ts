/** The community's key, and the gateway's own certificate. */
import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import type { Bytes } from '../../../bytes.ts';
import type { Config } from '../../../config/schema.ts';
import { type Check, check } from '../check.ts';
import { failed, notTried, type Outcome, ok, warning } from '../finding.ts';
import type { Answer } from '../http.ts';
import type { DoctorPorts } from '../ports.ts';
import { isUnreadable } from './permissions.ts';

const SOON_MS = 14 * 86_400_000;

/** The hash that apps pin; undefined before the first start. */
export const keyCheck = (
  { communityKeyHash }: Pick<DoctorPorts, 'communityKeyHash'>,
  config: Check<Config>,
): Check<Bytes | undefined> =>
  check({
    name: 'key',
    needs: [config],
    run([{ keys, storage }]) {
      let text: string;
      try {
        text = readFileSync(keys.path, 'latin1');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return notTried('it cannot be read');
        if (existsSync(storage.path)) return failed('key_missing', keys.path);
        return ok('the first start makes it', undefined);
      }
      const hash = communityKeyHash(text);
      return hash === undefined ? failed('key_damaged', keys.path) : ok(keys.path, hash);
    },
  });

export const tlsCheck = (config: Check<Config>): Check<void> =>
  check({
    name: 'tls',
    needs: [config],
    run([{ gateway }]) {
      if (!gateway.tls) return ok('none: a proxy in front ends TLS', undefined);
      const { certificate, key } = gateway.tls;
      if (isUnreadable(certificate) || isUnreadable(key)) return notTried('they cannot be read');
      let ends: number;
      let begins: number;
      try {
        const cert = readFileSync(certificate);
        createSecureContext({ cert, key: readFileSync(key) });
        const { validTo, validFrom } = new X509Certificate(cert);
        [begins, ends] = [Date.parse(validFrom), Date.parse(validTo)];
      } catch (error) {
        return failed('tls_unreadable', `${certificate}, ${key} (${(error as NodeJS.ErrnoException).code ?? 'no PEM'})`);
      }
      return lifeOf(certificate, begins, ends);
    },
  });

/** Of a certificate that is else good. */
export function lifeOf(whose: string, begins: number, ends: number, now = Date.now()) {
  const until = `${whose}, until ${new Date(ends).toISOString().slice(0, 10)}`;
  if (now > ends || now < begins) return failed('certificate_expired', until);
  return ends - now < SOON_MS ? warning('certificate_ends_soon', until, undefined) : ok(until, undefined);
}

/** Of whoever answered, where that was by TLS. */
export function endsSoon<T>({ certificateEnds: ends }: Pick<Answer, 'certificateEnds'>, value: T): Outcome<T> | undefined {
  if (ends === undefined || Number.isNaN(ends) || ends - Date.now() >= SOON_MS) return undefined;
  return warning('certificate_ends_soon', `until ${new Date(ends).toISOString().slice(0, 10)}`, value);
}
