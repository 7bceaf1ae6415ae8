/** Kinds of parameters and results that several operations have. */
import { z } from 'zod';
import { VollyError } from '../../errors.ts';
import {
  type DeviceId,
  isServerName,
  type Localpart,
  parseDeviceId,
  parseLocalpart,
  parseServerName,
  type ServerName,
} from '../../ids.ts';

export const PAGE = 100;
const LONGEST_PAGE = 500;

export const member = z
  .string()
  .max(320)
  .regex(/^[a-z0-9][a-z0-9._=-]{0,63}(@.+)?$/)
  .meta({ description: 'A member of this community, as alice or alice@orchid.example.' });
export const device = z
  .string()
  .regex(/^[A-Z0-9]{1,16}$/)
  .meta({ description: 'A device of the member, as PHONE.' });
export const server = z
  .string()
  .max(230)
  .refine(isServerName)
  .meta({ description: 'The server name of another community, as iris.example or iris.example:8448.' });
export const limit = z.coerce.number().int().min(1).max(LONGEST_PAGE).default(PAGE).meta({ description: 'How many at most.' });

export const serverName = z.string() as unknown as z.ZodType<ServerName>;
export const time = z.int().min(0).meta({ description: 'Unix time in milliseconds.' });
export const memberName = z.string().meta({ description: 'Without the server.' });
export const nothing = z.strictObject({});
export const done = z.strictObject({ changed: z.boolean().meta({ description: 'False: it was so already.' }) });

/** Throws `bad_address`, `unknown_member` for a member of another community. */
export function localpartIn(own: ServerName, text: string): Localpart {
  const at = text.indexOf('@');
  if (at >= 0 && text.slice(at + 1) !== own) throw new VollyError('unknown_member', 'of another community');
  return parseLocalpart(at < 0 ? text : text.slice(0, at));
}

export const deviceIn = (text: string): DeviceId => parseDeviceId(text);
export const serverIn = (text: string): ServerName => parseServerName(text);
