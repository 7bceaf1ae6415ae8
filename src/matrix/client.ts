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
   * Who speaks: the bridge user (unless said otherwise); its device, to read what is for it; or the application service itself, to register
   * users and to ping. Only to read is a device needed: a homeserver refuses all from one that it does not know.
   */
  readonly as?: 'device' | 'user' | 'service';
}

export interface Answer {
  readonly text: string;
  readonly headers: Headers;
}

export class HomeserverClient {
  readonly #options: ClientOptions;
  /** Step → monotonic time before which the homeserver does not want to hear of it. */
  readonly #quiet = new Map<string, number>();
  readonly #open = new Set<AbortController>();
  #closed = false;
  #login: string | undefined;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  /** The token with which the device speaks from now on; undefined = by the as_token. */
  useLogin(token: string | undefined): void {
    this.#login = token;
  }

  /** The answer's text alone; see `exchange`. */
  async request(request: Request): Promise<string> {
    return (await this.exchange(request)).text;
  }

  /**
   * Throws HomeserverError: `homeserver_absent` (no connection), `homeserver_unreachable` (no answer, a cut one, 5xx),
   * `homeserver_refused` (4xx), `wrong_token`, `rate_limited`. While a rate limit runs, requests of its step fail here and never reach the homeserver. Throws `too_large` for an answer past `maxBytes`.
   */
  async exchange(request: Request): Promise<Answer> {
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
      if (response.ok) return { text, headers: response.headers };
      const failure = failureOf(request.step, response.status, response.headers, text, this.#tokenFor(request) !== undefined);
      throw this.#remember(request.step, failure);
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

  /** The login's token where it is the one to use. */
  #tokenFor({ as }: Request): string | undefined {
    return as === 'device' ? this.#login : undefined;
  }

  #url(request: Request): string {
    const { path, query, as = 'user' } = request;
    const { url, userId, deviceId } = this.#options;
    const speaks = as !== 'service' && this.#tokenFor(request) === undefined;
    const user: Record<string, string> = speaks ? { user_id: userId } : {};
    const device: Record<string, string> = speaks && as === 'device' ? { device_id: deviceId } : {};
    const text = new URLSearchParams({ ...query, ...user, ...device }).toString();
    return text === '' ? url + path : `${url}${path}?${text}`;
  }

  #init(request: Request, signal: AbortSignal): RequestInit {
    const { method, body } = request;
    const headers: Record<string, string> = { authorization: `Bearer ${this.#tokenFor(request) ?? this.#options.asToken}` };
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
