/** Which devices are online here. The router's Doorway. Later, with several nodes, this is what a shared directory stands in for. */
import type { ErrorCode } from '../errors.ts';
import { type DeviceAddress, deviceAddress, type EnvelopeId, type MemberId, memberOf } from '../ids.ts';
import type { Envelope } from '../protocol/envelope.ts';
import type { DeviceList, Signed } from '../protocol/list.ts';
import type { Doorway } from '../routing/ports.ts';

export interface OnlineDevice {
  deliver(envelope: Envelope): void;
  /** The addressee's bridge has an offer of this device. */
  delivered(offer: EnvelopeId): void;
  /** Another device of the member published a newer list. */
  pushList(list: Signed): void;
  /** Says bye with this code and closes. */
  end(code: ErrorCode): void;
}

export class Directory implements Doorway {
  readonly #online = new Map<DeviceAddress, OnlineDevice>();
  readonly #entered: (device: DeviceAddress) => void;

  /** `entered` hears of each device that comes in. */
  constructor(entered: (device: DeviceAddress) => void = () => {}) {
    this.#entered = entered;
  }

  get size(): number {
    return this.#online.size;
  }

  isOnline(device: DeviceAddress): boolean {
    return this.#online.has(device);
  }

  /** A second connection of one device replaces the first: the newer one is the one its app is looking at. */
  enter(device: DeviceAddress, connection: OnlineDevice): void {
    const earlier = this.#online.get(device);
    this.#online.set(device, connection);
    earlier?.end('replaced');
    this.#entered(device);
  }

  /** Only the one that is there now: one that was replaced leaves its successor alone. */
  leave(device: DeviceAddress, connection: OnlineDevice): void {
    if (this.#online.get(device) === connection) this.#online.delete(device);
  }

  deliver(device: DeviceAddress, envelope: Envelope): void {
    this.#online.get(device)?.deliver(envelope);
  }

  delivered(device: DeviceAddress, offer: EnvelopeId): void {
    this.#online.get(device)?.delivered(offer);
  }

  /** Tells the member's devices, all but the one it came from, and shows out those that it no longer holds. */
  listChanged(member: MemberId, list: DeviceList, signed: Signed, removed: readonly DeviceAddress[], from: DeviceAddress): void {
    for (const device of removed) this.#online.get(device)?.end('not_enrolled');
    for (const { device } of list.entries) {
      const address = deviceAddress(member, device);
      if (address !== from) this.#online.get(address)?.pushList(signed);
    }
  }

  end(device: DeviceAddress, code: ErrorCode): void {
    this.#online.get(device)?.end(code);
  }

  endMember(member: MemberId, code: ErrorCode): void {
    for (const [device, connection] of [...this.#online]) if (memberOf(device) === member) connection.end(code);
  }

  endAll(code: ErrorCode): void {
    for (const connection of [...this.#online.values()]) connection.end(code);
  }
}
