/** A bridge's requests to its simulated homeserver, in the place of HTTP, with what happens to requests and answers on their way. */
import { VollyError } from '../../src/errors.ts';
import type { ServerName } from '../../src/ids.ts';
import { HomeserverClient, type Request } from '../../src/matrix/client.ts';
import type { Draw } from './draw.ts';
import { absent, type Homeserver, noAnswer, refusal } from './homeserver.ts';
import type { Rates } from './schedule.ts';
import { type MachineClock, never, type Process, type SimulatedTime } from './time.ts';

export interface RequestsOptions {
  readonly server: ServerName;
  readonly homeserver: Homeserver;
  readonly time: SimulatedTime;
  readonly draw: Draw;
  readonly rates: Rates;
  readonly process: Process;
  readonly clock: MachineClock;
  readonly trace: (line: () => string) => void;
}

const TIMEOUT_MS = 15_000;

export class SimulatedClient extends HomeserverClient {
  readonly #options: RequestsOptions;
  readonly #failing = new Set<() => void>();

  constructor(options: RequestsOptions) {
    const clock = options.clock.of(options.process);
    super({ url: 'http://simulated', asToken: '', userId: `@_volly.bridge:${options.server}`, deviceId: 'VOLLY', clock });
    this.#options = options;
  }

  override request(request: Request): Promise<string> {
    const { time, process, draw } = this.#options;
    if (!process.alive) return never();
    if (request.signal?.aborted) return Promise.reject(new VollyError('shutting_down', request.step));
    return new Promise((resolve, reject) => {
      const end = (how: () => void): void => {
        cancel();
        this.#failing.delete(fail);
        request.signal?.removeEventListener('abort', stop);
        if (process.alive) how();
      };
      const fail = (): void => end(() => reject(noAnswer(request.step)));
      const stop = (): void => end(() => reject(new VollyError('shutting_down', request.step)));
      const cancel = time.after(request.timeoutMs ?? TIMEOUT_MS, fail);
      this.#failing.add(fail);
      request.signal?.addEventListener('abort', stop);
      const back = (how: () => void): void => void time.after(draw.between(1, 8), () => end(how));
      time.after(draw.between(1, 8), () =>
        this.#serve(request).then(
          (answer) => (answer === undefined ? undefined : back(() => resolve(answer))),
          (error) => back(() => reject(error)),
        ),
      );
    });
  }

  override close(): void {
    this.breakAll();
  }

  /** Every connection breaks. */
  breakAll(): void {
    for (const fail of [...this.#failing]) fail();
  }

  /** Undefined: no answer ever comes. */
  async #serve(request: Request): Promise<string | undefined> {
    const { homeserver, draw, rates, process, trace } = this.#options;
    // A request that had left when the bridge was killed arrives all the same, or not.
    if (!process.alive && draw.is(0.5)) return undefined;
    if (!homeserver.up) throw absent(request.step);
    if (draw.is(rates.refuse)) throw this.#refusal(request.step);
    const silently = request.step === 'sendToDevice' && draw.is(rates.ghost);
    const again = request.step === 'sync' && draw.is(rates.repeat) ? homeserver.lastAnswer : undefined;
    const fate = draw.is(rates.hang) ? 'hang' : draw.is(rates.lose) ? 'lose' : draw.is(rates.cutShort) ? 'cut' : 'answered';
    const notDone = fate === 'hang' && draw.is(0.5);
    if (fate !== 'answered' || silently || again !== undefined)
      trace(
        () =>
          `${this.#options.server} ${request.step} ${fate}${notDone ? ', not done' : ''}${silently ? ', nothing leaves' : ''}${again === undefined ? '' : ', an old answer again'}`,
      );
    if (notDone) return undefined;
    const answer = again ?? (await homeserver.serve(request, silently));
    if (!homeserver.up || fate === 'lose') throw noAnswer(request.step);
    if (fate === 'hang') return undefined;
    return fate === 'cut' ? answer.slice(0, draw.between(0, answer.length - 1)) : answer;
  }

  #refusal(step: string): VollyError {
    const { draw, server, trace } = this.#options;
    const status = draw.one([429, 502, 403]);
    trace(() => `${server} ${step} answered ${status}`);
    if (status === 429) return refusal(step, 429, 'M_LIMIT_EXCEEDED', { retry_after_ms: draw.between(100, 4_000) });
    return status === 502 ? refusal(step, 502, 'M_UNKNOWN') : refusal(step, 403, 'M_FORBIDDEN');
  }
}
