/**
 * The registration: the one file that bridge and homeserver share, and where the two tokens live. The bridge's own configuration only names
 * its path, and those of the tokens where they come as files of their own.
 */
import { parse, stringify } from 'yaml';
import { toHex } from '../bytes.ts';
import type { RandomBytes } from '../clock.ts';
import { VollyError } from '../errors.ts';
import { SENDER_LOCALPART, type ServerName } from '../ids.ts';
import type { Config } from './schema.ts';

export interface RegistrationOptions {
  readonly id: string;
  /** Where the homeserver reaches this bridge. */
  readonly url: string;
  readonly server: ServerName;
}

export const registrationOptions = ({ appservice: { id, url }, homeserver }: Config): RegistrationOptions => ({
  id,
  url,
  server: homeserver.server_name,
});

export interface Tokens {
  /** The bridge shows it to the homeserver. */
  readonly asToken: string;
  /** The homeserver shows it to the bridge. */
  readonly hsToken: string;
}

export interface Registration {
  readonly id: string;
  readonly url: string;
  readonly as_token: string;
  readonly hs_token: string;
  readonly sender_localpart: string;
  readonly rate_limited: false;
  readonly namespaces: {
    readonly users: { readonly exclusive: boolean; readonly regex: string }[];
    readonly aliases: never[];
    readonly rooms: never[];
  };
}

const PLACEHOLDER = 'PLACEHOLDER';
const PLACEHOLDER_TOKENS: Tokens = { asToken: `${PLACEHOLDER}_as_token`, hsToken: `${PLACEHOLDER}_hs_token` };
/** 128 bits in hex: less can be guessed by whoever reaches the port. */
const TOKEN_CHARACTERS = 32;

export const newTokens = (random: RandomBytes): Tokens => ({ asToken: toHex(random(32)), hsToken: toHex(random(32)) });

/** Asks for neither to-device nor ephemeral pushes: two readers would take messages from each other. */
export function buildRegistration({ id, url, server }: RegistrationOptions, { asToken, hsToken }: Tokens): Registration {
  const host = server.replace(/[.[\]]/g, '\\$&');
  return {
    id,
    url,
    as_token: asToken,
    hs_token: hsToken,
    sender_localpart: SENDER_LOCALPART,
    rate_limited: false,
    namespaces: {
      users: [
        { exclusive: true, regex: `^@_volly_.*:${host}$` },
        { exclusive: true, regex: `^@_volly\\.bridge:${host}$` },
      ],
      aliases: [],
      rooms: [],
    },
  };
}

const HEADER = `# The homeserver's half of the Volly bridge: name this file under app_service_config_files in homeserver.yaml and
# restart the homeserver. Keep it secret: its tokens speak for every member. Written by \`volly-bridge registration\`.
`;
const SAMPLE_HEADER = `# What \`volly-bridge registration\` writes, with real tokens, to the path that appservice.registration names. This one is
# a sample: the bridge refuses to start with its tokens.
`;

export const registrationToYaml = (registration: Registration): string => HEADER + stringify(registration);

export const sampleRegistration = (options: RegistrationOptions): string =>
  SAMPLE_HEADER + stringify(buildRegistration(options, PLACEHOLDER_TOKENS));

/** The tokens in a registration file, sample or not. Throws `bad_config` for what holds none. */
export function readTokens(yaml: string, file: string): Tokens {
  let content: unknown;
  try {
    content = parse(yaml);
  } catch (error) {
    throw new VollyError('bad_config', `${file} is not YAML`, { cause: error });
  }
  const fields = typeof content === 'object' && content !== null ? (content as Record<string, unknown>) : {};
  const { as_token: asToken, hs_token: hsToken } = fields;
  if (typeof asToken !== 'string' || typeof hsToken !== 'string')
    throw new VollyError('bad_config', `${file} holds no as_token and hs_token; \`volly-bridge registration\` writes it`);
  return { asToken, hsToken };
}

export const arePlaceholders = ({ asToken, hsToken }: Tokens): boolean =>
  [asToken, hsToken].some((token) => token.startsWith(PLACEHOLDER));

export const areWeak = ({ asToken, hsToken }: Tokens): boolean =>
  asToken === hsToken || asToken.length < TOKEN_CHARACTERS || hsToken.length < TOKEN_CHARACTERS;

/** Throws `placeholder_secret`, and `bad_config` for tokens that are weak. `file` is where they stand. */
export function checkTokens(tokens: Tokens, file: string): void {
  if (arePlaceholders(tokens)) throw new VollyError('placeholder_secret', file);
  if (areWeak(tokens))
    throw new VollyError('bad_config', `${file}: the tokens must differ and have at least ${TOKEN_CHARACTERS} characters`);
}

/** The first field of the file that is not as wanted: homeserver and bridge disagree about whose users these are, or about the tokens. */
export function differenceOf(yaml: string, wanted: Registration): string | undefined {
  const found = parse(yaml) as Record<string, unknown> | null;
  return Object.entries(wanted).find(([name, value]) => JSON.stringify(found?.[name]) !== JSON.stringify(value))?.[0];
}
