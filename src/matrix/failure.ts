/** What a homeserver's refusal means to the bridge. */
import { type ErrorCode, VollyError } from '../errors.ts';

/** A refusal with no time named: long enough to matter, short against a message's life. */
const DEFAULT_RETRY_MS = 1_000;
/** A homeserver that asks for longer than this has a broken clock. */
const MAX_RETRY_MS = 600_000;

/** Carries what the homeserver said, for callers that act on it. The text has the step, the status and the errcode only. */
export class HomeserverError extends VollyError {
  /** Absent where no answer came. */
  readonly status: number | undefined;
  readonly errcode: string | undefined;
  /** With `rate_limited`: not before so many milliseconds from now. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: ErrorCode,
    detail: string,
    said: { status?: number; errcode?: string; retryAfterMs?: number; cause?: unknown } = {},
  ) {
    super(code, detail, { cause: said.cause });
    this.status = said.status;
    this.errcode = said.errcode;
    this.retryAfterMs = said.retryAfterMs;
  }
}

/** From an answer that is not 2xx. 5xx is what a proxy says of a homeserver that is away, so it counts as unreachable. `byLogin`: not with the
 * as_token, and another login mends it. */
export function failureOf(step: string, status: number, headers: Headers, body: string, byLogin = false): HomeserverError {
  const answer = parseObject(body);
  const errcode =
    typeof answer['errcode'] === 'string' && /^[A-Za-z0-9_.]{1,64}$/.test(answer['errcode']) ? answer['errcode'] : undefined;
  const detail = `${step} answered ${status}${errcode === undefined ? '' : ` ${errcode}`}`;
  const said = { status, ...(errcode === undefined ? {} : { errcode }) };
  if (status === 429) return new HomeserverError('rate_limited', detail, { ...said, retryAfterMs: retryAfter(answer, headers) });
  if (errcode === 'M_UNKNOWN_TOKEN' && !byLogin) return new HomeserverError('wrong_token', detail, said);
  return new HomeserverError(status >= 500 ? 'homeserver_unreachable' : 'homeserver_refused', detail, said);
}

function retryAfter(answer: Record<string, unknown>, headers: Headers): number {
  const header = headers.get('retry-after');
  const ms = header === null ? Number(answer['retry_after_ms']) : Number(header) * 1_000;
  return Number.isFinite(ms) && ms > 0 ? Math.min(ms, MAX_RETRY_MS) : DEFAULT_RETRY_MS;
}

/** Nobody listens or nobody answers: an outage all the same, which the bridge sits out. */
export const isAway = (code: ErrorCode | undefined): boolean => code === 'homeserver_absent' || code === 'homeserver_unreachable';

interface SystemError {
  readonly code?: unknown;
  readonly syscall?: unknown;
  readonly errors?: readonly SystemError[];
}

/**
 * From what fetch rejected with. Where already connecting failed, the request surely never left this machine; a caller may say so
 * (`homeserver_absent`). Of everything else one cannot know (`homeserver_unreachable`).
 */
export function lostRequest(step: string, error: unknown): HomeserverError {
  const cause = error instanceof Error ? (error.cause as SystemError | undefined) : undefined;
  const timedOut = error instanceof Error && error.name === 'AbortError';
  // `ECONNREFUSED`: fetch hides the system's word one level down.
  const reason = typeof cause?.code === 'string' ? cause.code : timedOut ? 'no answer in time' : 'connection failed';
  const code = neverConnected(cause) ? 'homeserver_absent' : 'homeserver_unreachable';
  return new HomeserverError(code, `${step}: ${reason}`, { cause: error });
}

/** A name with several addresses fails with one error for each. */
const neverConnected = (cause: SystemError | undefined): boolean =>
  cause?.code === 'UND_ERR_CONNECT_TIMEOUT' ||
  (cause?.errors ?? [cause]).every((one) => one?.syscall === 'connect' || one?.syscall === 'getaddrinfo');

/** `{}` for anything that is not a JSON object. */
export function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
