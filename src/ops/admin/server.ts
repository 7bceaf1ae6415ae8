/**
 * The admin API over HTTP. Whoever has the token may do everything that is in the table of operations, and nobody else learns more than that
 * there is a server. Made for programs: JSON only, and no header that lets a page of another origin in.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { equal, utf8 } from '../../bytes.ts';
import { codeOf, VollyError } from '../../errors.ts';
import { LIMITS } from '../../limits.ts';
import { failureOf, statusOf } from './failure.ts';
import { OPERATIONS } from './operations.ts';
import { paramsOf } from './request.ts';
import { routeOf, WrongMethod } from './routes.ts';
import { type RunOptions, runOperation } from './run.ts';

export interface AdminServerOptions extends RunOptions {
  readonly token: string;
}

const MINUTE_S = 60;

export function adminListener({ token, ...run }: AdminServerOptions): RequestListener {
  const expected = utf8(`Bearer ${token}`);
  const failures = new RateLimiterMemory({ points: LIMITS.adminFailuresPerMinute, duration: MINUTE_S });

  /** The token is looked at first, and the limit only for those who lack it: nobody's guesses lock its owner out. */
  const admit = async ({ headers, socket }: IncomingMessage): Promise<void> => {
    if (equal(utf8(headers.authorization ?? ''), expected)) return;
    try {
      await failures.consume(socket.remoteAddress ?? '');
    } catch {
      throw new VollyError('rate_limited', 'wrong tokens');
    }
    throw new VollyError('wrong_admin_token');
  };

  const perform = async (request: IncomingMessage): Promise<unknown> => {
    await admit(request);
    const route = routeOf(OPERATIONS, request.method ?? '', request.url ?? '');
    return runOperation(run, route.operation, await paramsOf(request, route), 'http');
  };

  return (request, response) => {
    perform(request).then(
      (result) => send(response, 200, result),
      (error: unknown) => {
        if (codeOf(error) === undefined) run.log.warn('admin_failure', { reason: String(error).slice(0, 200) });
        refuse(request, response, error);
      },
    );
  };
}

function refuse(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  const failure = failureOf(error);
  const { code } = failure.error;
  if (code === 'wrong_admin_token') response.setHeader('www-authenticate', 'Bearer');
  if (code === 'rate_limited') response.setHeader('retry-after', String(MINUTE_S));
  if (error instanceof WrongMethod) response.setHeader('allow', error.allow);
  // What was not read of the request is nothing that a next one could begin behind.
  if (!request.complete) response.setHeader('connection', 'close');
  send(response, error instanceof WrongMethod ? 405 : statusOf(code), failure);
}

function send(response: ServerResponse, status: number, body: unknown): void {
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };
  response.writeHead(status, headers).end(JSON.stringify(body));
}
