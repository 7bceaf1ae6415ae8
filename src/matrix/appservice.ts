/**
 * The endpoint that the homeserver calls, `/_matrix/app/v1/*`. Our own, since matrix-appservice answers before handlers finish and
 * trusts transaction ids, which start again after a restore.
 *
 * A transaction that is answered with 4xx or 5xx is sent again for ever and blocks all behind it. So with the right token every content is
 * answered 200; 5xx means that our own database failed, and then sending again is what we want.
 */
import express, { type ErrorRequestHandler, type RequestHandler, type Response, type Router } from 'express';
import { equal, utf8 } from '../bytes.ts';
import { BRIDGE_LOCALPART, type Localpart, parseLocalpart, SENDER_LOCALPART, type ServerName } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import type { Counters, Log } from '../routing/ports.ts';
import type { Transactions } from './transactions.ts';

const BASE = '/_matrix/app/v1';

export interface AppserviceOptions {
  readonly hsToken: string;
  readonly server: ServerName;
  readonly transactions: Transactions;
  /** Whether the community has this member. Answers from the database alone: the homeserver's events wait behind it. */
  readonly hasMember: (localpart: Localpart) => Promise<boolean>;
  readonly counters: Counters;
  readonly log: Log;
}

/** For an express app of its own or beside others. Answers every path, so it goes last. */
export function appserviceRouter(options: AppserviceOptions): Router {
  const router = express.Router({ caseSensitive: true });
  router.use(BASE, authenticate(options));
  router.use(BASE, express.raw({ type: () => true, limit: LIMITS.transactionBytes }));
  router.put(`${BASE}/transactions/:id`, async (request, response) => {
    await options.transactions.accept(textOf(request.body));
    response.json({});
  });
  router.get(`${BASE}/users/:user`, async (request, response) => {
    if (await exists(options, String(request.params['user']))) response.json({});
    else refuse(response, 404, 'M_NOT_FOUND', 'No such user');
  });
  router.get(`${BASE}/rooms/:alias`, (_, response) => refuse(response, 404, 'M_NOT_FOUND', 'No room aliases here'));
  router.post(`${BASE}/ping`, (_, response) => {
    response.json({});
  });
  router.use((_, response) => refuse(response, 404, 'M_UNRECOGNIZED', 'Unknown path or method'));
  router.use(onError(options));
  return router;
}

/** The header only. A token in the query, which old homeservers also send, ends up in access logs; beside the header it is ignored. */
function authenticate({ hsToken, counters }: AppserviceOptions): RequestHandler {
  const expected = utf8(hsToken);
  return (request, response, next) => {
    const [scheme, token] = (request.headers.authorization ?? '').split(' ');
    if (scheme?.toLowerCase() !== 'bearer' || token === undefined) return refuse(response, 401, 'M_UNAUTHORIZED', 'No token');
    if (equal(utf8(token), expected)) return next();
    counters.count('appservice_failed', { reason: 'token' });
    refuse(response, 403, 'M_FORBIDDEN', 'Wrong token');
  };
}

/** Members' ghosts and the two system users that there are. */
async function exists({ server, hasMember }: AppserviceOptions, user: string): Promise<boolean> {
  const colon = user.indexOf(':');
  if (!user.startsWith('@') || user.slice(colon + 1) !== server) return false;
  const name = user.slice(1, colon);
  if (name === BRIDGE_LOCALPART || name === SENDER_LOCALPART) return true;
  if (!name.startsWith('_volly_')) return false;
  let localpart: Localpart;
  try {
    localpart = parseLocalpart(name.slice('_volly_'.length));
  } catch {
    return false;
  }
  return hasMember(localpart);
}

/** express.raw leaves a body of length 0 undefined. */
const textOf = (body: unknown): string => (Buffer.isBuffer(body) ? body.toString('utf8') : '');

/** Four parameters: that is how express knows it. Everything before the token was checked ends as a 4xx of the request itself. */
function onError({ transactions, counters, log }: AppserviceOptions): ErrorRequestHandler {
  return async (error, request, response, _next) => {
    const status: unknown = error?.status;
    const clientFault = typeof status === 'number' && status >= 400 && status < 500;
    if (clientFault && request.method === 'PUT' && request.path.startsWith(`${BASE}/transactions/`)) {
      request.resume(); // read to its end: whoever is still sending would not see the answer
      await transactions.refuse(status === 413 ? 'too_large' : 'bad_encoding', '').catch(() => {});
      response.json({});
    } else if (clientFault) {
      refuse(response, status, status === 413 ? 'M_TOO_LARGE' : 'M_BAD_JSON', 'Bad request');
    } else {
      counters.count('appservice_failed', { reason: 'internal' });
      log.warn('a request of the homeserver failed', { reason: error instanceof Error ? error.message : typeof error });
      refuse(response, 500, 'M_UNKNOWN', 'The bridge could not store this');
    }
  };
}

function refuse(response: Response, status: number, errcode: string, error: string): void {
  if (!response.headersSent) response.status(status).json({ errcode, error });
}
