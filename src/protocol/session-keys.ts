/** The keys of one epoch, as both sides export them. PROTOCOL.md sections 9.2 and 10. */
import type { Bytes } from '../bytes.ts';
import { AEAD_KEY_BYTES, type AeadKey, aeadKey } from '../crypto/aead.ts';
import type { ExportRequest } from '../crypto/hpke.ts';

export type Role = 'caller' | 'callee';

/** All secret. */
export interface EpochKeys {
  readonly epoch: number;
  readonly send: AeadKey;
  readonly receive: AeadKey;
  /** The psk of the re-keying that ends this epoch, 32 bytes; none in epoch 0, which the answer ends. */
  readonly next?: Bytes;
  /** Base keys of SFrame, 32 bytes each, for what this device sends and receives. */
  readonly sframe?: { readonly send: Bytes; readonly receive: Bytes };
}

/** Takes the exported key blocks and erases them. */
export function directionKeys(role: Role, caller: Bytes, callee: Bytes): Pick<EpochKeys, 'send' | 'receive'> {
  const [own, other] = role === 'caller' ? [caller, callee] : [callee, caller];
  const keys = { send: aeadKey(own), receive: aeadKey(other) };
  caller.fill(0);
  callee.fill(0);
  return keys;
}

/** What the HPKE context that begins an epoch exports. `confirm` is epoch 1's alone and comes last. */
export const epochExports = (epoch: number): readonly ExportRequest[] => [
  { label: `volly/1/e${epoch}/caller`, length: AEAD_KEY_BYTES },
  { label: `volly/1/e${epoch}/callee`, length: AEAD_KEY_BYTES },
  { label: `volly/1/e${epoch}/next`, length: 32 },
  { label: `volly/1/e${epoch}/sframe/caller`, length: 32 },
  { label: `volly/1/e${epoch}/sframe/callee`, length: 32 },
  ...(epoch === 1 ? [{ label: 'volly/1/e1/confirm', length: 32 }] : []),
];

/** From the values of `epochExports`, in its order. */
export function epochKeys(role: Role, epoch: number, exported: readonly Bytes[]): EpochKeys {
  const [caller, callee, next, sframeCaller, sframeCallee] = exported as [Bytes, Bytes, Bytes, Bytes, Bytes];
  const [send, receive] = role === 'caller' ? [sframeCaller, sframeCallee] : [sframeCallee, sframeCaller];
  return { epoch, ...directionKeys(role, caller, callee), next, sframe: { send, receive } };
}

export function eraseAead(key: AeadKey): void {
  key.key.fill(0);
  key.baseNonce.fill(0);
}

export function eraseKeys(keys: EpochKeys): void {
  eraseAead(keys.send);
  eraseAead(keys.receive);
  keys.next?.fill(0);
  keys.sframe?.send.fill(0);
  keys.sframe?.receive.fill(0);
}
