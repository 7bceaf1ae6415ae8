/** Communities of one schedule, put together and run until all is quiet again. */
import { type DeviceAddress, parseDeviceAddress, parseServerName, type ServerName } from '../../src/ids.ts';
import { LIMITS } from '../../src/limits.ts';
import { senderPrefix } from '../../src/storage/sender.ts';
import type { InboxRow } from '../../src/storage/types.ts';
import { counting } from '../support/counting.ts';
import { perform } from './acts.ts';
import { App } from './apps.ts';
import { Bridge } from './bridge.ts';
import { Disk } from './disk.ts';
import { Draw } from './draw.ts';
import { Federation } from './federation.ts';
import { Homeserver, type Message } from './homeserver.ts';
import { Ledger } from './ledger.ts';
import { CALM, type Rates, type Schedule } from './schedule.ts';
import { MachineClock, SimulatedTime } from './time.ts';

export const NAMES = ['orchid.example', 'fern.example', 'moss.example'].map(parseServerName);
/** Of refusals only these are expected: by time, by a fault of the disk, by a stop, by a full queue. */
const EXPECTED: ReadonlySet<string> = new Set(['expired', 'database', 'shutting_down', 'overloaded']);

export class World {
  readonly schedule: Schedule;
  readonly time = new SimulatedTime();
  readonly ledger: Ledger;
  readonly bridges: readonly Bridge[];
  readonly apps: readonly App[];
  readonly violations: string[] = [];
  /** What happened, for the report. */
  readonly counts = new Map<string, number>();
  readonly clocks = new Map<ServerName, MachineClock>();
  readonly draw: Draw;
  readonly #rates: Rates;
  readonly federation: Federation;
  readonly homeservers: readonly Homeserver[];
  readonly trace: (line: () => string) => void;

  constructor(schedule: Schedule, print?: (line: string) => void) {
    this.schedule = schedule;
    const { time } = this;
    this.trace = (line) => print?.(`${(time.now / 1000).toFixed(3).padStart(8)}  ${line()}`);
    this.draw = new Draw(schedule.seed ^ 0x9e3779b9);
    this.#rates = { ...schedule.rates };
    this.ledger = new Ledger({ now: () => time.now, violated: (what) => this.violated(what) });
    const arrived = (to: ServerName, { type }: Message): void => this.trace(() => `${to}'s homeserver has ${type}`);
    this.federation = new Federation({ time, draw: this.draw, rates: this.#rates, arrived });
    this.homeservers = NAMES.slice(0, schedule.servers).map((server) => this.#homeserver(server));
    this.bridges = this.homeservers.map((homeserver, i) => this.#bridge(NAMES[i]!, homeserver, schedule.skews[i]!));
    this.apps = this.bridges.flatMap((bridge) =>
      Array.from({ length: schedule.devicesPerServer }, (_, n) =>
        this.#app(bridge, parseDeviceAddress(`m${n}@${bridge.server}/PHONE`)),
      ),
    );
  }

  /** The furthest that any two clocks were apart, at any two times. */
  get spreadMs(): number {
    const clocks = [...this.clocks.values()];
    return Math.max(...clocks.map(({ most }) => most)) - Math.min(...clocks.map(({ least }) => least));
  }

  violated(what: string): void {
    this.trace(() => `VIOLATED: ${what}`);
    this.violations.push(`at ${(this.time.now / 1000).toFixed(3)} s: ${what}`);
  }

  /** All of the schedule's acts, and the calm after them begins. */
  async runFaults(): Promise<void> {
    const { acts, calmAt } = this.schedule;
    for (const bridge of this.bridges) for (const app of bridge.apps.keys()) await bridge.enrol(app);
    for (const bridge of this.bridges) void bridge.start();
    for (const act of acts) this.time.after(act.at, () => perform(this, act));
    await this.time.run(calmAt);
    Object.assign(this.#rates, CALM);
    this.trace(() => 'all faults are over');
    // What an app refused is brought to its next connection.
    for (const app of this.apps) app.cut();
  }

  #homeserver(server: ServerName): Homeserver {
    const homeserver = new Homeserver({
      server,
      time: this.time,
      send: (to, message) => this.federation.send(server, to, message),
      reachable: (other) => this.federation.reachable(server, other),
      forgot: (message) => this.ledger.forgotten(server, message),
    });
    this.federation.homeservers.set(server, homeserver);
    return homeserver;
  }

  #bridge(server: ServerName, homeserver: Homeserver, skew: number): Bridge {
    const clock = new MachineClock(this.time, skew);
    this.clocks.set(server, clock);
    const disk: Disk = new Disk(this.time, this.draw.chance, this.#rates, (store, method, args, result) => {
      this.ledger.onDisk(server, store, method, args, result);
      if (method === 'append') this.ledger.journaled(homeserver.messagesOf(String(args[1])));
      if (store === 'inbox' && method === 'accept' && args[1]) void this.#checkRoom(disk, args[1] as InboxRow);
    });
    const unexpected = (what: string): void => this.violated(`${server}: ${what}`);
    return new Bridge({
      server,
      time: this.time,
      clock,
      draw: this.draw,
      rates: this.#rates,
      disk,
      homeserver,
      linkTo: this.schedule.linked ? (peer) => this.bridges.find((bridge) => bridge.server === peer)?.door : undefined,
      leaving: (peer, envelope) => this.ledger.leaving(server, peer, envelope),
      counters: counting((name, labels) => {
        this.count(name);
        if (name === 'refused' && !EXPECTED.has(labels['code'] ?? '')) unexpected(`refused ${Object.values(labels).join(' ')}`);
      }),
      log: {
        info: () => {},
        warn: (event, fields) => {
          if (event === 'a bug while routing') unexpected(`${event}: ${fields?.['stack']}`);
        },
      },
      delivered: (id) => this.ledger.delivered(id),
      violated: unexpected,
      trace: this.trace,
    });
  }

  #app(bridge: Bridge, device: DeviceAddress): App {
    const app = new App({
      device,
      time: this.time,
      draw: this.draw,
      rates: this.#rates,
      ledger: this.ledger,
      trace: this.trace,
      door: () => bridge.door,
    });
    bridge.apps.set(device, app);
    return app;
  }

  /** No more waits for one device than limits.ts allows. */
  async #checkRoom(disk: Disk, { to, from, origin }: InboxRow): Promise<void> {
    const waiting = await disk.committed.inbox.waiting(to);
    const ofMember = waiting.filter(
      (row) => senderPrefix(row.from) !== undefined && senderPrefix(row.from) === senderPrefix(from),
    );
    const ofOrigin = waiting.filter((row) => row.origin === origin);
    if (ofMember.length > LIMITS.inboxPerDeviceOfMember || ofOrigin.length > LIMITS.inboxPerDeviceOfOrigin)
      this.violated(`${waiting.length} envelopes wait for ${to}`);
  }

  count(name: string): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }
}
