/** Asks the running bridge, as the commands of the command line do. */
import { isErrorCode, VollyError } from '../../errors.ts';
import { reachable } from '../listen.ts';
import { printable } from '../printable.ts';
import type { Failure } from './failure.ts';
import { type Operation, pathParams } from './operation.ts';
import { BASE } from './routes.ts';
import { readToken } from './token.ts';

/** Longer than any operation: a removed member's goodbyes, a homeserver that answers late. */
const TIMEOUT_MS = 30_000;
/** Of an answer that another program may have given. */
const DETAIL_CHARACTERS = 500;

export interface AdminAt {
  readonly listen: { readonly host: string; readonly port: number };
  /** The token's file. */
  readonly token: string;
}

/**
 * Resolves with the operation's result. Throws what the operation throws; `not_running` where nothing answers, or something that is no bridge;
 * `wrong_admin_token` where a bridge with another token does; `bad_config` for a token file that cannot be used.
 */
export async function askBridge({ listen, token: file }: AdminAt, operation: Operation, params: Params): Promise<unknown> {
  const token = readToken(file);
  if (token === undefined) throw new VollyError('not_running', `${file} is missing, which the first start makes`);
  const { target, body } = requestOf(operation, params);
  const url = `http://${reachable(listen.host)}:${listen.port}${target}`;
  let answer: Response;
  let text: string;
  try {
    answer = await fetch(url, {
      method: operation.method,
      headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body }),
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    text = await answer.text();
  } catch (error) {
    const timedOut = error instanceof Error && error.name === 'TimeoutError';
    if (timedOut && operation.changes) throw new VollyError('timed_out', operation.name, { cause: error });
    throw new VollyError('not_running', `nothing answers at ${listen.host}:${listen.port}`, { cause: error });
  }
  const value = parsed(text);
  if (answer.ok && value !== undefined) return value;
  throw refusalOf(value, `${listen.host}:${listen.port} (${answer.status})`);
}

export type Params = Readonly<Record<string, unknown>>;

function requestOf({ method, path }: Operation, params: Params): { readonly target: string; readonly body?: string } {
  const inPath = pathParams(path);
  const target = BASE + path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(params[name])));
  const others = Object.entries(params).filter(([name, value]) => !inPath.includes(name) && value !== undefined);
  if (method === 'POST') return { target, body: JSON.stringify(Object.fromEntries(others)) };
  const query = new URLSearchParams(others.map(([name, value]) => [name, String(value)]));
  return { target: query.size > 0 ? `${target}?${query}` : target };
}

function refusalOf(value: unknown, where: string): VollyError {
  const { code, detail } = ((value ?? {}) as Partial<Failure>).error ?? {};
  if (typeof code === 'string' && isErrorCode(code))
    return new VollyError(code, detail === undefined ? undefined : printable(String(detail), DETAIL_CHARACTERS));
  return new VollyError('not_running', `something that is no bridge of this version answers at ${where}`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
