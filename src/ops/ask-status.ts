/** Asks the running bridge for its status, as `volly-bridge status` does. */
import { VollyError } from '../errors.ts';
import { STATUS_PATH, type Status } from './status.ts';

const TIMEOUT_MS = 10_000;

export interface AskOptions {
  /** Where the appservice endpoint listens. */
  readonly listen: { readonly host: string; readonly port: number };
  readonly hsToken: string;
}

/** Throws `not_running`, also where something else answers there, and `database` where the bridge's own fails. */
export async function askStatus({ listen: { host, port }, hsToken }: AskOptions): Promise<Status> {
  const url = `http://${reachable(host)}:${port}${STATUS_PATH}`;
  let answer: Response;
  try {
    answer = await fetch(url, { headers: { authorization: `Bearer ${hsToken}` }, signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (answer.ok) return (await answer.json()) as Status;
  } catch (error) {
    throw new VollyError('not_running', `nothing answers at ${url}`, { cause: error });
  }
  if (answer.status === 500) throw new VollyError('database', `so says the bridge at ${url}`);
  const why = answer.status === 401 ? 'a bridge with another registration' : 'something that is no bridge of this version';
  throw new VollyError('not_running', `${why} answers at ${url} (${answer.status})`);
}

/** One that listens everywhere is reached on this machine. */
export function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
