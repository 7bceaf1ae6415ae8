/** Members and their devices, with real keys. */
import type { Bytes } from '../../src/bytes.ts';
import type { RandomBytes } from '../../src/clock.ts';
import { COMPOSITE, compositePublicKey } from '../../src/crypto/composite.ts';
import { sha256 } from '../../src/crypto/hash.ts';
import type { Provider } from '../../src/crypto/primitives.ts';
import { type DeviceAddress, type DeviceId, deviceAddress, type MemberId, parseDeviceId, parseMemberId } from '../../src/ids.ts';
import { encodeBundle } from '../../src/protocol/bundle.ts';
import { makeList, type Signed } from '../../src/protocol/list.ts';
import { makePrekey } from '../../src/protocol/prekey.ts';

/** Keys of one device, and of its member. */
export class Device {
  readonly dikSeed: Bytes;
  readonly dik: Bytes;
  readonly address: DeviceAddress;
  readonly id: DeviceId;
  readonly user: User;

  constructor(user: User, id: string) {
    this.user = user;
    this.id = parseDeviceId(id);
    this.dikSeed = user.random(COMPOSITE.seed);
    this.dik = compositePublicKey(user.provider, this.dikSeed);
    this.address = deviceAddress(user.member, this.id);
  }

  bundle(epoch: number, now: number, list: Signed = this.user.list): Bytes {
    const { provider, random, member, uik } = this.user;
    const options = { member, device: this.id, uikHash: sha256(uik), dikSeed: this.dikSeed, epoch, now };
    return encodeBundle(list, this.dik, makePrekey(provider, random, options).statement);
  }
}

export class User {
  readonly provider: Provider;
  readonly random: RandomBytes;
  readonly member: MemberId;
  readonly uikSeed: Bytes;
  readonly uik: Bytes;
  readonly devices: Device[] = [];
  list!: Signed;

  constructor(provider: Provider, random: RandomBytes, member: string) {
    this.provider = provider;
    this.random = random;
    this.member = parseMemberId(member);
    this.uikSeed = random(COMPOSITE.seed);
    this.uik = compositePublicKey(provider, this.uikSeed);
  }

  /** A new list of all devices, or of those given. */
  renew(now: number, devices: readonly Device[] = this.devices): Signed {
    const { provider, member, uik, uikSeed } = this;
    const entries = devices.map(({ id, dik }) => ({ device: id, dikHash: sha256(dik), notAfter: now + 1e11 }));
    this.list = makeList(provider, { member, uik, uikSeed, entries, now, ...(this.list ? { previous: this.list.bytes } : {}) });
    return this.list;
  }

  add(id: string, now: number): Device {
    const device = new Device(this, id);
    this.devices.push(device);
    this.renew(now);
    return device;
  }
}
