/** Kinds of options: each carries what it is for and what is allowed, so that no message is written twice. */
import { isIP } from 'node:net';
import { z } from 'zod';
import { SERVER_NAME, SERVER_NAME_CHARACTERS, type ServerName } from '../ids.ts';

interface Meta {
  /** Says why. */
  readonly description: string;
  /** Completes "allowed is …" in an error. */
  readonly allowed: string;
  /** Stands in the sample where there is no default. */
  readonly example?: unknown;
  /** A path relative to the configuration file, which becomes absolute when it is loaded. */
  readonly path?: true;
  /** A running bridge takes it over on SIGHUP. */
  readonly reloads?: true;
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

const PATH = { allowed: 'a path, relative to the configuration file or absolute', path: true } as const;
/** No path that anybody has, but a token pasted where the name of its file belongs. */
const SECRET = /^(?![A-Za-z0-9+_=-]{32,}$)/;
const file = z.string().min(1).regex(SECRET);
export const path = (description: string, value: string) => about(file.default(value), { description, ...PATH });
/** One that has no default. */
export const givenPath = (description: string, example: string, more: Pick<Meta, 'reloads'> = {}) =>
  about(file, { description, example, ...PATH, ...more });

// Patterns go into the JSON Schema, so that editors know most of what is allowed.

export const serverName = z
  .string()
  .max(SERVER_NAME_CHARACTERS)
  .regex(SERVER_NAME)
  .transform((text) => text as ServerName);
const HOST = SERVER_NAME.source.slice(1);
/** As the router's policy reads it. */
export const serverRule = z
  .string()
  .max(SERVER_NAME_CHARACTERS)
  .regex(new RegExp(`^(?:\\*\\.)?${HOST}`));
/** `@operator:orchid.example`, of any homeserver: the bridge's operator need not live on its own. */
export const userId = z
  .string()
  .max(255)
  .regex(new RegExp(`^@[!-9;-~]+:${HOST}`));

/** An IP address, or a network as address/bits. */
export const address = z
  .string()
  .regex(/^[0-9A-Fa-f.:]+(\/[0-9]{1,3})?$/)
  .refine((text) => {
    const [ip = '', bits = '0'] = text.split('/');
    return isIP(ip) !== 0 && Number(bits) <= (isIP(ip) === 4 ? 32 : 128);
  });

/** A host with its port; no credentials. */
const AUTHORITY = '[^\\s/?#@]+';
const LOOPBACK = '(?:localhost|127\\.[0-9]+\\.[0-9]+\\.[0-9]+|\\[::1\\])(?::[0-9]{1,5})?';
/** Segments that an invite can name, PROTOCOL.md section 14.6. */
const PLACE = '(?:/[A-Za-z0-9._~-]+)*';

const isUrl = (text: string): boolean => URL.canParse(text);
const unslashed = (url: string): string => url.replace(/\/+$/, '');

/** Scheme, host and port, nothing behind: paths are the protocol's. Gives it back without a trailing slash. */
export const origin = z
  .string()
  .regex(new RegExp(`^https?://${AUTHORITY}/?$`))
  .refine(isUrl)
  .transform(unslashed);

/** Where apps connect. Gives it back as http(s), whichever of the two spellings was written. */
export const publicUrl = z
  .string()
  .regex(new RegExp(`^(?:(?:wss|https)://${AUTHORITY}|(?:ws|http)://${LOOPBACK})${PLACE}/?$`))
  .refine(isUrl)
  .transform((text) => unslashed(text).replace(/^ws/, 'http'));
