/** The names that bind every key, signature and ciphertext to one use. PROTOCOL.md section 1. */

/** All algorithms as one opaque choice: another suite is refused, never negotiated down to. */
export const SUITE = 'volly-pq-1';

/** Signature contexts, one per use: a signature made for one never verifies as another. */
export const CONTEXT = {
  devlist: 'volly/1/devlist',
  prekey: 'volly/1/prekey',
  offer: 'volly/1/offer',
  answer: 'volly/1/answer',
  subscribe: 'volly/1/presence-subscribe',
  grant: 'volly/1/presence-grant',
  gatewayServer: 'volly/1/gateway-server',
  gatewayClient: 'volly/1/gateway-client',
  communitySuccessor: 'volly/1/community-successor',
  legacy: 'volly/1/legacy',
} as const;

/** Lengths in bytes. */
export const HASH_BYTES = 32;
export const CALL_ID_BYTES = 16;
