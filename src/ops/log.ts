/** One line of JSON for each thing that an operator may want to know. No user data, key, token or SDP is ever logged. */
import { type DestinationStream, type Logger, pino, stdTimeFunctions } from 'pino';

export type Log = Logger;

/** The second net: the first is that nobody hands such things to a log. One level deep, as objects given to a log are flat. */
const SECRET = [
  'as_token',
  'hs_token',
  'asToken',
  'hsToken',
  'access_token',
  'authorization',
  'token',
  'key',
  'password',
  'sealed',
  'sdp',
];
const paths = SECRET.flatMap((name) => [name, `*.${name}`]);

export interface LogOptions {
  readonly level: 'error' | 'warn' | 'info' | 'debug';
  /** Standard output unless given. */
  readonly destination?: DestinationStream;
}

export function createLog({ level, destination }: LogOptions): Log {
  const settings = {
    level,
    base: null, // no process id and host name in every line: whoever collects the lines knows them
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths, censor: '[secret]' },
  };
  return destination === undefined ? pino(settings) : pino(settings, destination);
}
