/** Kinds of options: each carries what it is for and what is allowed, so that no message is written twice. */
import { isIP } from 'node:net';
import { z } from 'zod';
import { isServerName, type ServerName } from '../ids.ts';

interface Meta {
  /** Says why. */
  readonly description: string;
  /** Completes "allowed is …" in an error. */
  readonly allowed: string;
  /** Stands in the sample where there is no default. */
  readonly example?: unknown;
  /** A path relative to the configuration file, which becomes absolute when it is loaded. */
  readonly path?: true;
}

export const about = <T extends z.ZodType>(schema: T, meta: Meta): T => schema.meta({ ...meta });
export const section = <T extends z.ZodRawShape>(description: string, shape: T) =>
  z.strictObject(shape).meta({ description, allowed: `a section with ${Object.keys(shape).join(', ')}` });

const port = (value: number) =>
  about(z.int().min(1).max(65_535).default(value), {
    description: 'The port to listen on.',
    allowed: 'a whole number from 1 to 65535',
  });
const host = (when: string) =>
  about(
    z
      .string()
      .regex(/^[A-Za-z0-9.:_-]+$/)
      .default('127.0.0.1'),
    { description: `The address to listen on: ${when}`, allowed: 'an IP address or host name, as 127.0.0.1, 0.0.0.0 or ::' },
  );
/** `when` says when it is 127.0.0.1, which it is unless another is named. */
export const listen = (description: string, when: string, value: number) =>
  section(description, { host: host(when), port: port(value) }).prefault({});

const PATH = { allowed: 'a path, relative to this file or absolute', path: true } as const;
export const path = (description: string, value: string) => about(z.string().min(1).default(value), { description, ...PATH });
/** One that has no default. */
export const givenPath = (description: string, example: string) => about(z.string().min(1), { description, example, ...PATH });

export const serverName = z
  .string()
  .refine(isServerName)
  .transform((text) => text as ServerName);
/** As the router's policy reads it. */
export const serverRule = z.string().refine((text) => isServerName(text.replace(/^\*\./, '')));

/** `@operator:orchid.example`, of any homeserver: the bridge's operator need not live on its own. */
export const userId = z
  .string()
  .refine((text) => text.length <= 255 && /^@[!-9;-~]+:/.test(text) && isServerName(text.slice(text.indexOf(':') + 1)));

/** An IP address, or a network as address/bits. */
export const address = z.string().refine((text) => {
  const [ip = '', bits, more] = text.split('/');
  const width = isIP(ip) === 4 ? 32 : 128;
  return isIP(ip) !== 0 && more === undefined && (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= width));
});

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;
/** Segments that an invite can name, PROTOCOL.md section 14.6. */
const PLACE = /^(\/[A-Za-z0-9._~-]+)*\/?$/;

/** No credentials, query or fragment. */
function parseUrl(text: string): URL | undefined {
  const url = URL.parse(text);
  return url !== null && url.search === '' && url.hash === '' && url.username === '' && url.password === '' ? url : undefined;
}

const unslashed = (url: string): string => url.replace(/\/+$/, '');

/** Scheme, host and port, nothing behind: paths are the protocol's. Gives it back without a trailing slash. */
export const origin = z
  .string()
  .refine((text) => {
    const url = parseUrl(text);
    return url !== undefined && url.pathname === '/' && (url.protocol === 'http:' || url.protocol === 'https:');
  })
  .transform(unslashed);

/** Where apps connect. Gives it back as http(s), whichever of the two spellings was written. */
export const publicUrl = z
  .string()
  .refine((text) => {
    const url = parseUrl(text);
    if (url === undefined || !PLACE.test(url.pathname)) return false;
    return /^(wss|https):$/.test(url.protocol) || (/^(ws|http):$/.test(url.protocol) && LOOPBACK.test(url.hostname));
  })
  .transform((text) => unslashed(text).replace(/^ws/, 'http'));
