/**
 * Between a bridge and its homeserver: passes everything on, and tells which envelopes the homeserver was allowed to forget: those of an
 * answer of /sync whose position came back as `since`. The moment of such a request is also when a kill is worth most.
 */
import { envelopesOf } from '../federation/wire.ts';
import type { Way } from '../support/community.ts';
import { type Exchange, startTap } from '../support/tap.ts';

export interface SyncTap extends Way {
  /** Called before the request is passed on. */
  onLetGo: (envelopes: ReadonlyMap<string, number>) => void;
  /** Called when the homeserver has answered a request of the bridge, before the bridge has the answer. */
  onAnswer: (path: string) => void;
}

export async function startSyncTap(target: number): Promise<SyncTap> {
  /** By the answer's position, what it brought. */
  const brought = new Map<string, Map<string, number>>();
  const tap = await startTap({
    name: 'homeserver',
    target,
    keep: false,
    onRequest(method, path) {
      const since = method === 'GET' && path.includes('/v3/sync') ? new URLSearchParams(path.split('?')[1]).get('since') : null;
      const envelopes = since === null ? undefined : brought.get(since);
      if (!envelopes) return;
      // Answers without a request after them were never let go; what is asked for now is the newest.
      brought.clear();
      way.onLetGo(envelopes);
    },
    onExchange(exchange) {
      way.onAnswer(exchange.path);
      if (!exchange.path.includes('/v3/sync') || exchange.status !== 200) return;
      const { position, envelopes } = broughtBy(exchange);
      if (position !== undefined && envelopes.size > 0) brought.set(position, envelopes);
    },
  });
  const way: SyncTap = { port: tap.port, stop: () => tap.stop(), onLetGo: () => {}, onAnswer: () => {} };
  return way;
}

function broughtBy({ response }: Exchange): { readonly position?: string; readonly envelopes: Map<string, number> } {
  const envelopes = new Map<string, number>();
  const answer = JSON.parse(response.toString());
  for (const { type, content } of answer.to_device?.events ?? [])
    if (String(type).startsWith('app.volly.call.'))
      for (const { id, expires } of envelopesOf(content)) envelopes.set(String(id), Number(expires));
  return { position: answer.next_batch, envelopes };
}
