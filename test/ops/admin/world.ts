/** The operations on stores in memory, with the rest of the bridge played by the test. */
import { randomBytes } from 'node:crypto';
import { type ErrorCode, VollyError } from '../../../src/errors.ts';
import {
  type DeviceAddress,
  deviceAddress,
  type Localpart,
  memberId,
  parseDeviceId,
  parseLocalpart,
  parseServerName,
  type ServerName,
} from '../../../src/ids.ts';
import type { Operation } from '../../../src/ops/admin/operation.ts';
import { OPERATIONS } from '../../../src/ops/admin/operations.ts';
import type { AdminPorts } from '../../../src/ops/admin/ports.ts';
import { runOperation } from '../../../src/ops/admin/run.ts';
import type { PeerState } from '../../../src/routing/ports.ts';
import { memoryStores } from '../../../src/storage/memory/stores.ts';
import type { QuarantineRow } from '../../../src/storage/types.ts';
import { Lines } from '../../matrix/receiver-contract.ts';
import { ManualClock } from '../../support/clock.ts';

export const ORCHID = parseServerName('orchid.example');
export const [FERN, IRIS] = ['fern.example', 'iris.example'].map(parseServerName) as [ServerName, ServerName];
export const ALICE = parseLocalpart('alice');
export const PHONE = parseDeviceId('PHONE');
export const TABLET = parseDeviceId('TABLET');

export class AdminWorld {
  readonly clock = new ManualClock();
  readonly stores = memoryStores(this.clock);
  readonly log = new Lines();
  readonly online = new Set<DeviceAddress>();
  /** Connections that were ended, with the code. */
  readonly ended: string[] = [];
  /** What was asked of the parts of the bridge, in order. */
  readonly asked: string[] = [];
  peers: PeerState[] = [];
  denied = new Set<ServerName>();
  answers = true;
  ghost: 'gone' | 'waiting' = 'gone';
  releasing: (row: QuarantineRow) => Promise<number> = async () => 1;
  statusFails = false;
  readonly ports: AdminPorts;

  constructor() {
    const { stores, clock } = this;
    this.ports = {
      server: ORCHID,
      clock,
      stores,
      makeInvite: async (member) => {
        const expires = clock.now() + 1_000;
        await stores.invites.add({ hash: randomBytes(32), member, expires });
        return { link: `volly://orchid.example/invite#${member}`, expires };
      },
      makeCredential: async (member) => {
        if (!(await stores.members.add(member, 'legacy')) && (await stores.members.kind(member)) !== 'legacy')
          throw new VollyError('name_taken');
        return `credential-of-${member}`;
      },
      status: async () => {
        if (this.statusFails) throw new VollyError('database', 'SQLITE_FULL');
        return {
          version: '1.2.3',
          server: ORCHID,
          uptimeMs: 5_000,
          homeserver: {
            ...{ url: 'http://127.0.0.1:8008', software: 'Synapse/1.163.2', way: 'as_token', proven: true, named: true },
            ...{ callsBack: 'yes', ready: true, lagMs: 21, lastSyncAgeMs: 20 },
          },
          counts: { outbox: 3 },
          peers: this.peers,
        };
      },
      isOnline: (device) => this.online.has(device),
      endDevice: (device, code) => void this.ended.push(`${device} ${code}`),
      endMember: async (member, code: ErrorCode) => void this.ended.push(`${member} ${code}`),
      peers: {
        list: () => this.peers,
        blocked: () => stores.peers.blocked(),
        isAllowed: (server) => !this.denied.has(server),
        block: async (server, blocked) => {
          this.asked.push(`${blocked ? 'block' : 'allow'} ${server}`);
          if (blocked) this.denied.add(server);
          else this.denied.delete(server);
          return stores.peers.block(server, blocked ? clock.now() : undefined);
        },
        wake: async (server) => {
          this.asked.push(`wake ${server}`);
          return this.answers;
        },
      },
      forget: async (member) => {
        this.asked.push(`forget ${member}`);
        await stores.roll.remove(member, clock.now(), () => false);
      },
      endGhost: async (member) => {
        this.asked.push(`end ghost ${member}`);
        return this.ghost;
      },
      release: (row) => this.releasing(row),
    };
  }

  async enrol(member: Localpart, ...devices: readonly string[]): Promise<void> {
    const { members } = this.stores;
    await members.add(member, 'enhanced');
    const key = Uint8Array.of(1);
    const rows = devices.map((device) => ({ member, device: parseDeviceId(device), key }));
    await members.setList(member, { version: 1, hash: key, bytes: key, devices: rows });
    for (const { device } of rows) await members.publish(member, device, key);
  }

  device = (member: Localpart, device = PHONE): DeviceAddress => deviceAddress(memberId(member, ORCHID), device);

  quarantine(code: string, content: string, source: string = FERN): Promise<void> {
    return this.stores.quarantine.add({ at: this.clock.now(), source, code, content });
  }

  /** By the operation's name. */
  // biome-ignore lint/suspicious/noExplicitAny: results are looked at field by field.
  async run(name: string, params: Readonly<Record<string, unknown>> = {}): Promise<any> {
    return runOperation({ ports: this.ports, log: this.log }, operationOf(name), params, 'test');
  }

  /** What a person sees. */
  async text(name: string, params: Readonly<Record<string, unknown>> = {}): Promise<string> {
    return operationOf(name).text((await this.run(name, params)) as never);
  }
}

export function operationOf(name: string): Operation {
  const found = OPERATIONS.find((one) => one.name === name);
  if (!found) throw new Error(`no operation ${name}`);
  return found;
}
