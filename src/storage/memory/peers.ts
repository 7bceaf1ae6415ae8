import type { ServerName } from '../../ids.ts';
import { LIMITS } from '../../limits.ts';
import type { PeerRow, PeerStore } from '../types.ts';

export function peerStore(): PeerStore {
  const peers = new Map<ServerName, PeerRow>();
  const blocked = new Map<ServerName, number>();
  const sorted = (): readonly PeerRow[] => [...peers.values()].sort((a, b) => a.heardAt - b.heardAt);
  return {
    all: async () => sorted(),
    async put(rows) {
      for (const row of rows) peers.set(row.server, row);
      for (const { server } of sorted().slice(0, -LIMITS.peers)) peers.delete(server);
    },
    blocked: async () => [...blocked].map(([server, at]) => ({ server, at })).sort((a, b) => (a.server < b.server ? -1 : 1)),
    async block(server, at) {
      if (at === undefined) return blocked.delete(server);
      if (blocked.has(server)) return false;
      blocked.set(server, at);
      return true;
    },
  };
}
