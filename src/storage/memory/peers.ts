import type { ServerName } from '../../ids.ts';
import { LIMITS } from '../../limits.ts';
import type { PeerRow, PeerStore } from '../types.ts';

export function peerStore(): PeerStore {
  const peers = new Map<ServerName, PeerRow>();
  const sorted = (): readonly PeerRow[] => [...peers.values()].sort((a, b) => a.heardAt - b.heardAt);
  return {
    all: async () => sorted(),
    async put(rows) {
      for (const row of rows) peers.set(row.server, row);
      for (const { server } of sorted().slice(0, -LIMITS.peers)) peers.delete(server);
    },
  };
}
