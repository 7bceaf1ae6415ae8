/** How the admin API says no: the code of the error, and the HTTP status that goes with it. */
import { codeOf, ERRORS, type ErrorCode, VollyError } from '../../errors.ts';

export interface Failure {
  readonly error: {
    readonly code: ErrorCode;
    readonly cause: string;
    readonly cure: string;
    /** Which part, where that helps. */
    readonly detail?: string;
  };
}

const STATUS: Partial<Readonly<Record<ErrorCode, number>>> = {
  bad_request: 400,
  bad_address: 400,
  too_large: 413,
  wrong_admin_token: 401,
  rate_limited: 429,
  unknown_member: 404,
  not_found: 404,
  database: 503,
  shutting_down: 503,
  homeserver_absent: 503,
  homeserver_unreachable: 503,
  internal: 500,
};

/** A refusal that has to do with how things are is 409. */
export const statusOf = (code: ErrorCode): number => STATUS[code] ?? 409;

/** What is no VollyError is a bug, of which the log tells and the answer does not. */
export function failureOf(error: unknown): Failure {
  const code = codeOf(error) ?? 'internal';
  const detail = error instanceof VollyError ? error.message.slice(code.length + 2) : '';
  const { cause, cure } = ERRORS[code];
  return { error: { code, cause, cure, ...(detail === '' ? {} : { detail }) } };
}
