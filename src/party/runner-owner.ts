/** Whom a runner asks and tells. */
import type { CallId, DeviceAddress } from '../ids.ts';
import type { CallState } from '../protocol/call-state.ts';
import type { Envelope } from '../protocol/envelope.ts';
import type { Incoming as Message } from '../protocol/session-messages.ts';
import type { Link } from './link.ts';

/** An answer is no session message, but travels to the peer connection as they do. */
export type Applied = Message | { readonly type: 'answer'; readonly sdp: string };

export interface RunnerOwner {
  /** Makes the leg's keys and its offer. Throws what `sealOffer` throws. */
  makeOffer(device: DeviceAddress, callId: CallId): Promise<{ readonly envelope: Envelope; readonly link: Link }>;
  /** Fetches the device's bundle again and reports with a `refetched` event. */
  refetch(device: DeviceAddress): void;
  apply(message: Applied): void;
  changed(state: CallState): void;
}

/** A callee's state machine never asks for these. */
export const NO_OFFERS: Pick<RunnerOwner, 'makeOffer' | 'refetch'> = {
  makeOffer: () => Promise.reject(new TypeError('a callee makes no offer')),
  refetch: () => {},
};
