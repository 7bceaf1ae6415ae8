/** Files that hold secrets and that others made: read with care, and looked at for who else may read them. */
import { statSync } from 'node:fs';
import { VollyError } from '../errors.ts';
import type { Config } from './schema.ts';
import { readIfThere } from './write-file.ts';

const OF_ALL = 0o007;
/** Docker's own folder in a container: its files are readable there, and nobody else is. */
export const OF_THE_CONTAINER = '/run/secrets/';

/** The one line in the file, without its end. Throws `bad_config`. */
export function readSecret(file: string): string {
  const text = readIfThere(file)?.replace(/\r?\n$/, '');
  if (text === undefined) throw new VollyError('bad_config', `${file} is missing; it should hold a token`);
  if (!/^[!-~]+$/.test(text)) throw new VollyError('bad_config', `${file} does not hold one token and nothing else`);
  return text;
}

/** Those that everybody on this machine may read or change. The homeserver's group may read what it needs. */
export function openSecrets({ appservice, gateway }: Config): readonly string[] {
  const files = [appservice.registration, appservice.as_token_file, appservice.hs_token_file, gateway.tls?.key];
  return files.filter((file) => file !== undefined).filter(isOpen);
}

function isOpen(file: string): boolean {
  // Windows has no such bits.
  if (process.platform === 'win32' || file.startsWith(OF_THE_CONTAINER)) return false;
  return ((statSync(file, { throwIfNoEntry: false })?.mode ?? 0) & OF_ALL) !== 0;
}
