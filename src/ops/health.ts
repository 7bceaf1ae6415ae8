/**
 * `/live`: the process answers. `/ready`: everything that a call needs works. For load balancers and container platforms. `/metrics`: what
 * was counted, for Prometheus.
 */
import type { RequestListener, ServerResponse } from 'node:http';
import type { Metrics } from './metrics.ts';

/** Name → whether it works now. Asked at every request, so it is cheap. */
type Parts = Readonly<Record<string, () => boolean | Promise<boolean>>>;

export interface Health {
  /** Without one of these no call works. */
  readonly needed: Parts;
  /** Without these calls work, and something else does not: shown, and counted by `/ready?all` alone. */
  readonly wanted: Parts;
}

/** Answers the three paths and hands everything else on. Says which part is not ready, and nothing else about the inside. */
export function withHealth(health: Health, metrics: Pick<Metrics, 'render'>, rest: RequestListener): RequestListener {
  return (request, response) => {
    const [path, query] = (request.url ?? '').split('?');
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    if (isRead && path === '/live') return answer(response, 200, { live: true });
    if (isRead && path === '/metrics') return void tell(response, metrics);
    if (isRead && path === '/ready') return void judge(response, health, new URLSearchParams(query).has('all'));
    rest(request, response);
  };
}

async function judge(response: ServerResponse, { needed, wanted }: Health, all: boolean): Promise<void> {
  const [must, may] = await Promise.all([look(needed), look(wanted)]);
  const ready = Object.values(all ? { ...must, ...may } : must).every(Boolean);
  answer(response, ready ? 200 : 503, { ready, parts: { ...must, ...may } });
}

const look = async (parts: Parts): Promise<Record<string, boolean>> =>
  Object.fromEntries(await Promise.all(Object.entries(parts).map(async ([name, works]) => [name, await works()] as const)));

async function tell(response: ServerResponse, metrics: Pick<Metrics, 'render'>): Promise<void> {
  const { type, text } = await metrics.render();
  response.writeHead(200, { 'content-type': type, 'cache-control': 'no-store' }).end(text);
}

export function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' }).end(JSON.stringify(body));
}
