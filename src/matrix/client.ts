/**
 * The homeserver's client-server API on the hot path: one request, one answer, no library in between. Node's fetch keeps connections
 * alive and gives up idle ones before Synapse does, so no request is sent into a socket that is just being closed.
 */
import type { Clock } from '../clock.ts';
import { VollyError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { failureOf, HomeserverError, lostRequest } from './failure.ts';

/** For everything but long polls and look-ups over federation. */
const TIMEOUT_MS = 15_000;

export interface ClientOptions {
  /** `https://matrix.orchid.example`, without a path. */
  readonly url: string;
  readonly asToken: string;
  /** Whom requests speak for: the bridge user and its device. */
  readonly userId: string;
  readonly deviceId: string;
  readonly clock: Clock;
}

export interface Request {
  readonly method: 'GET' | 'PUT' | 'POST';
  /** Named in errors and the unit of rate limits: `sync`, `sendToDevice`. */
  readonly step: string;
  /** From `/_matrix/…`, its variable parts already encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** JSON text. */
  readonly body?: string;
  readonly timeoutMs?: number;
  readonly maxBytes?: number;
  /** Aborting it rejects with `shutting_down`. */
  readonly signal?: AbortSignal;
  /**
   * Who speaks: the bridge user's device (unless said otherwise); the user alone, while the device may not be there yet, since a homeserver
   * refuses all from a device that it does not know; or the application service itself, to register users and to ping.
   */
  readonly as?: 'device' | 'user' | 'service';
}

export class HomeserverClient {
  readonly #options: ClientOptions;
  /** Step → monotonic time before which the homeserver does not want to hear of it. */
  readonly #quiet = new Map<string, number>();
  readonly #open = new Set<AbortController>();
  #closed = false;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  /**
   * The answer's text. Throws HomeserverError: `homeserver_absent` (no connection), `homeserver_unreachable` (no answer, a cut one, 5xx),
   * `homeserver_refused` (4xx), `wrong_token`, `rate_limited`. While a rate limit runs, requests of its step fail here and never reach the homeserver. Throws `too_large` for an answer past `maxBytes`.
   */
  async request(request: Request): Promise<string> {
    if (this.#closed) throw new VollyError('shutting_down', request.step);
    this.#heed(request.step);
    const abort = new AbortController();
    this.#open.add(abort);
    const stop = (): void => abort.abort();
    const cancel = this.#options.clock.after(request.timeoutMs ?? TIMEOUT_MS, stop);
    request.signal?.addEventListener('abort', stop);
    if (request.signal?.aborted) stop();
    try {
      const response = await fetch(this.#url(request), this.#init(request, abort.signal));
      const text = await readCapped(response, request.maxBytes ?? LIMITS.answerBytes);
      if (response.ok) return text;
      throw this.#remember(request.step, failureOf(request.step, response.status, response.headers, text));
    } catch (error) {
      if (error instanceof VollyError) throw error;
      if (request.signal?.aborted || this.#closed) throw new VollyError('shutting_down', request.step);
      throw lostRequest(request.step, error);
    } finally {
      cancel();
      this.#open.delete(abort);
      request.signal?.removeEventListener('abort', stop);
    }
  }

  /** Ends what is under way with `shutting_down`: a key query would keep the process for a minute and more. */
  close(): void {
    this.#closed = true;
    for (const abort of this.#open) abort.abort();
  }

  #url({ path, query, as = 'device' }: Request): string {
    const { url, userId, deviceId } = this.#options;
    const user: Record<string, string> = as === 'service' ? {} : { user_id: userId };
    const device: Record<string, string> = as === 'device' ? { device_id: deviceId } : {};
    const text = new URLSearchParams({ ...query, ...user, ...device }).toString();
    return text === '' ? url + path : `${url}${path}?${text}`;
  }

  #init({ method, body }: Request, signal: AbortSignal): RequestInit {
    const headers: Record<string, string> = { authorization: `Bearer ${this.#options.asToken}` };
    if (body !== undefined) headers['content-type'] = 'application/json';
    // A redirect would carry the token, which speaks for every member, to wherever it points.
    return { method, headers, signal, redirect: 'error', ...(body === undefined ? {} : { body }) };
  }

  #heed(step: string): void {
    const until = this.#quiet.get(step);
    if (until === undefined) return;
    const retryAfterMs = until - this.#options.clock.monotonic();
    if (retryAfterMs > 0) throw new HomeserverError('rate_limited', `${step} waits as the homeserver asked`, { retryAfterMs });
    this.#quiet.delete(step);
  }

  #remember(step: string, failure: HomeserverError): HomeserverError {
    if (failure.retryAfterMs !== undefined) this.#quiet.set(step, this.#options.clock.monotonic() + failure.retryAfterMs);
    return failure;
  }
}

async function readCapped(response: Response, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    // Leaving the loop cancels the stream and with it the connection.
    if (size > maxBytes) throw new VollyError('too_large', 'an answer of the homeserver');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
