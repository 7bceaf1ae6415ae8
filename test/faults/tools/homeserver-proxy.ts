/**
 * A homeserver that does what homeservers do on a bad day, seen from its bridge: an HTTP proxy between the two. Rules say which requests are
 * answered how, by share and seed; what is asked for is counted.
 */
import { once } from 'node:events';
import { createServer, Agent as HttpAgent, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Way } from '../../support/community.ts';
import { duplicated, reordered } from './events.ts';
import { Tally } from './tally.ts';

export type Kind = 'sync' | 'sendToDevice' | 'profile' | 'keys/query' | 'other';

/** What happens to a request. Those of answers (`delay`, `duplicate`, `reorder`) add up; of the others the first rule's counts. */
export type Fault =
  /** The homeserver does it, and nobody is told: the connection ends. */
  | { readonly do: 'lose' }
  /** The homeserver does it, and half of its answer comes. */
  | { readonly do: 'cut' }
  /** Of /sync: the last answer that brought something once more; the homeserver is not asked. */
  | { readonly do: 'repeat' }
  /** The homeserver does it, and says nothing for so long, or until the rules change. */
  | { readonly do: 'hang'; readonly ms: number }
  /** The homeserver does nothing. `retryAfterMs` belongs to 429. */
  | { readonly do: 'refuse'; readonly status: number; readonly retryAfterMs?: number }
  | { readonly do: 'delay'; readonly ms: number; readonly jitterMs: number }
  /** Of /sync: an event in two comes twice. */
  | { readonly do: 'duplicate' }
  /** Of /sync: events in any order. */
  | { readonly do: 'reorder' };

export interface Rule {
  readonly of: readonly Kind[];
  /** 0 to 1. */
  readonly share: number;
  readonly fault: Fault;
}

export interface HomeserverProxy extends Way {
  /** In force from the next request on. */
  rules: readonly Rule[];
  readonly tally: Tally;
}

interface Request {
  readonly kind: Kind;
  readonly incoming: IncomingMessage;
  readonly body: Buffer;
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** As every answer, it goes whole or not at all: `cut` gives half of it. */
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'transfer-encoding', 'accept-encoding', 'content-length']);
const passed = (headers: IncomingMessage['headers']) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name)));

function kindOf(path: string): Kind {
  const [, part = ''] = /^\/_matrix\/client\/v\d\/(sync|sendToDevice|profile|keys\/query)\b/.exec(path) ?? [];
  return part === '' ? 'other' : (part as Kind);
}

export async function startHomeserverProxy(target: number, random: () => number): Promise<HomeserverProxy> {
  const agent = new HttpAgent({ keepAlive: true });
  const tally = new Tally();
  let rules: readonly Rule[] = [];
  let hang = new AbortController();
  let lastSync: Answer | undefined;

  async function serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const kind = kindOf(incoming.url ?? '');
    const body = await buffer(incoming);
    tally.asked(kind, incoming.url ?? '', body);
    const faults = rules.filter((rule) => rule.of.includes(kind) && random() < rule.share).map(({ fault }) => fault);
    // As it is now: rules that change meanwhile end it.
    const { signal } = hang;
    const first = faults.find((fault) => !['delay', 'duplicate', 'reorder'].includes(fault.do));
    if (first) tally.faulted(first.do);
    const answer = await answerOf({ kind, incoming, body }, outgoing, first);
    const shaped = faults.reduce((so, fault) => shape(so, fault), answer);
    for (const fault of faults) if (fault.do === 'delay') await pause(outgoing, fault.ms + (2 * random() - 1) * fault.jitterMs);
    if (first?.do === 'hang') await pause(outgoing, first.ms, signal);
    if (outgoing.destroyed) return;
    if (first?.do === 'lose') {
      outgoing.destroy();
      return;
    }
    outgoing.writeHead(shaped.status, { ...shaped.headers, 'content-length': shaped.body.length });
    if (first?.do === 'cut') {
      outgoing.write(shaped.body.subarray(0, shaped.body.length / 2), () => outgoing.destroy());
      return;
    }
    outgoing.end(shaped.body);
    if (first?.do === 'refuse' && first.retryAfterMs !== undefined) tally.sentAway(kind, first.retryAfterMs);
  }

  async function answerOf(request: Request, outgoing: ServerResponse, fault: Fault | undefined): Promise<Answer> {
    if (fault?.do === 'refuse') return refusal(fault);
    if (fault?.do === 'repeat' && lastSync) return lastSync;
    const answer = await ask(request, outgoing);
    if (request.kind === 'sync' && answer.status === 200 && answer.body.includes('"to_device"')) lastSync = answer;
    return answer;
  }

  async function ask({ incoming, body }: Request, outgoing: ServerResponse): Promise<Answer> {
    const headers = { ...passed(incoming.headers), 'content-length': body.length };
    const forward = httpRequest({ host: '127.0.0.1', port: target, method: incoming.method, path: incoming.url, headers, agent });
    outgoing.once('close', () => forward.destroy());
    forward.end(body);
    const [answer] = (await once(forward, 'response')) as [IncomingMessage];
    return { status: answer.statusCode ?? 0, headers: passed(answer.headers), body: await buffer(answer) };
  }

  function shape(answer: Answer, fault: Fault): Answer {
    if (fault.do === 'duplicate') return { ...answer, body: duplicated(answer.body, random) };
    if (fault.do === 'reorder') return { ...answer, body: reordered(answer.body, random) };
    return answer;
  }

  const server = createServer((incoming, outgoing) => {
    serve(incoming, outgoing).catch(() => outgoing.destroy());
  });
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy: HomeserverProxy = {
    port: (server.address() as AddressInfo).port,
    get rules() {
      return rules;
    },
    set rules(next) {
      rules = next;
      hang.abort();
      hang = new AbortController();
    },
    tally,
    async stop() {
      server.close();
      server.closeAllConnections();
      agent.destroy();
      if (server.listening) await once(server, 'close');
    },
  };
  return proxy;
}

function refusal({ status, retryAfterMs }: Extract<Fault, { do: 'refuse' }>): Answer {
  const errcode = status === 429 ? 'M_LIMIT_EXCEEDED' : 'M_UNKNOWN';
  const text = JSON.stringify({
    errcode,
    error: 'refused by the proxy',
    ...(retryAfterMs ? { retry_after_ms: retryAfterMs } : {}),
  });
  return { status, headers: { 'content-type': 'application/json' }, body: Buffer.from(text) };
}

/** Or until whoever waits for the answer has gone, or `signal` aborts. */
async function pause(outgoing: ServerResponse, ms: number, signal?: AbortSignal): Promise<void> {
  const gone = new AbortController();
  outgoing.once('close', () => gone.abort());
  if (outgoing.destroyed) return;
  const over = signal ? AbortSignal.any([signal, gone.signal]) : gone.signal;
  await sleep(Math.max(0, ms), undefined, { signal: over }).catch(() => {});
}
