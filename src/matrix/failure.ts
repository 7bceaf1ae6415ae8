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

/** From an answer that is not 2xx. 5xx is what a proxy says of a homeserver that is away, so it counts as unreachable. */
export function failureOf(step: string, status: number, headers: Headers, body: string): HomeserverError {
  const answer = parseObject(body);
  const errcode =
    typeof answer['errcode'] === 'string' && /^[A-Za-z0-9_.]{1,64}$/.test(answer['errcode']) ? answer['errcode'] : undefined;
  const detail = `${step} answered ${status}${errcode === undefined ? '' : ` ${errcode}`}`;
  const said = { status, ...(errcode === undefined ? {} : { errcode }) };
  if (status === 429) return new HomeserverError('rate_limited', detail, { ...said, retryAfterMs: retryAfter(answer, headers) });
  if (errcode === 'M_UNKNOWN_TOKEN') return new HomeserverError('wrong_token', detail, said);
  return new HomeserverError(status >= 500 ? 'homeserver_unreachable' : 'homeserver_refused', detail, said);
}

function retryAfter(answer: Record<string, unknown>, headers: Headers): number {
  const header = headers.get('retry-after');
  const ms = header === null ? Number(answer['retry_after_ms']) : Number(header) * 1_000;
  return Number.isFinite(ms) && ms > 0 ? Math.min(ms, MAX_RETRY_MS) : DEFAULT_RETRY_MS;
}

/** `{}` for anything that is not a JSON object. */
export function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
