/** The admin API's token: one line in a file for its owner's eyes, made at the first start. */
import { statSync } from 'node:fs';
import { toBase64url } from '../../bytes.ts';
import type { RandomBytes } from '../../clock.ts';
import { readIfThere, writeWhole } from '../../config/write-file.ts';
import { VollyError } from '../../errors.ts';

const TOKEN_BYTES = 32;
/** 32 bytes in base64url: what an operator writes there by hand must be as long. */
const TOKEN = /^[A-Za-z0-9_-]{43,128}$/;
const OTHERS = 0o077;

/** Undefined where there is no file. Throws `bad_config` for one that others may read, or that holds no token. */
export function readToken(file: string): string | undefined {
  const text = readIfThere(file);
  if (text === undefined) return undefined;
  // Windows has no such bits.
  if (process.platform !== 'win32' && (statSync(file).mode & OTHERS) !== 0)
    throw new VollyError('bad_config', `admin.token ${file}: others may read it; delete it, and the next start makes another`);
  const token = text.trim();
  if (!TOKEN.test(token))
    throw new VollyError('bad_config', `admin.token ${file}: no token; delete it, and the next start makes one`);
  return token;
}

/** The one that is there, or a new one. Throws `bad_config`. */
export function loadToken(file: string, random: RandomBytes): string {
  const found = readToken(file);
  if (found !== undefined) return found;
  const token = toBase64url(random(TOKEN_BYTES));
  writeWhole(file, `${token}\n`);
  return token;
}
