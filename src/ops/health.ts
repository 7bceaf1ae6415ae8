/**
 * `/live`: the process answers. `/ready`: everything that a call needs works. For load balancers and container platforms. `/metrics`: what
 * was counted, for Prometheus.
 */
import type { RequestListener, ServerResponse } from 'node:http';
import type { Metrics } from './metrics.ts';

/** Name → whether it works now. Asked at every request, so it only reads a variable. */
export type Checks = Readonly<Record<string, () => boolean>>;

/** Answers the three paths and hands everything else on. Says which part is not ready, and nothing else about the inside. */
export function withHealth(checks: Checks, metrics: Pick<Metrics, 'render'>, rest: RequestListener): RequestListener {
  return (request, response) => {
    const path = request.url?.split('?')[0];
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    if (isRead && path === '/live') return answer(response, 200, { live: true });
    if (isRead && path === '/metrics') return void tell(response, metrics);
    if (isRead && path === '/ready') {
      const parts = Object.fromEntries(Object.entries(checks).map(([name, works]) => [name, works()]));
      const ready = Object.values(parts).every(Boolean);
      return answer(response, ready ? 200 : 503, { ready, parts });
    }
    rest(request, response);
  };
}

async function tell(response: ServerResponse, metrics: Pick<Metrics, 'render'>): Promise<void> {
  const { type, text } = await metrics.render();
  response.writeHead(200, { 'content-type': type, 'cache-control': 'no-store' }).end(text);
}

export function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' }).end(JSON.stringify(body));
}
