/** One community's bridge: the real junction, receiver and carrier over a simulated disk, clock and homeserver, killed and started. */
import { VollyError } from '../../src/errors.ts';
import { type DeviceAddress, deviceOf, type EnvelopeId, localpartOf, memberOf, type ServerName } from '../../src/ids.ts';
import { type Access, RECEIVER, SyncReceiver } from '../../src/matrix/receiver.ts';
import { ToDeviceCarrier } from '../../src/matrix/to-device.ts';
import type { Envelope } from '../../src/protocol/envelope.ts';
import { createJunction, type Junction } from '../../src/routing/junction.ts';
import type { Counters, Log } from '../../src/routing/ports.ts';
import type { App, Door } from './apps.ts';
import type { Disk } from './disk.ts';
import type { Draw } from './draw.ts';
import type { Homeserver } from './homeserver.ts';
import { link } from './link.ts';
import { SimulatedClient } from './requests.ts';
import type { Rates } from './schedule.ts';
import { type MachineClock, Process, type SimulatedTime } from './time.ts';
import { watched } from './watched-carrier.ts';

/** What a service manager waits before it starts again what has failed. */
const RESTART_MS = 500;
/** The longest an orderly stop may take: systemd kills after 90 s, the outbox gives its requests 3. */
const STOP_MS = 15_000;

export interface BridgeOptions {
  readonly server: ServerName;
  readonly time: SimulatedTime;
  readonly clock: MachineClock;
  readonly draw: Draw;
  readonly rates: Rates;
  readonly disk: Disk;
  readonly homeserver: Homeserver;
  /** The bridges that a second carrier reaches, where there is one. */
  readonly linkTo: ((peer: ServerName) => Door | undefined) | undefined;
  /** Every envelope that it sends. */
  readonly leaving: (peer: ServerName, envelope: Envelope) => void;
  readonly counters: Counters;
  readonly log: Log;
  /** A device is told that its offer arrived. */
  readonly delivered: (id: EnvelopeId) => void;
  readonly violated: (what: string) => void;
  readonly trace: (line: () => string) => void;
}

/** This homeserver's inbox is read in the first way that is tried. */
const OPEN: Access = { prepare: async () => {}, doubt: async () => {}, prove: async () => {} };

interface Run extends Door {
  readonly junction: Junction;
  readonly receiver: SyncReceiver;
  readonly client: SimulatedClient;
}

export class Bridge {
  readonly options: BridgeOptions;
  readonly apps = new Map<DeviceAddress, App>();
  readonly #sentBefore = new Map<string, string>();
  #run: Run | undefined;
  /** It was told to stop and has not ended. */
  #ending: Run | undefined;
  /** Outages asked for and not over. */
  #outages = 0;

  constructor(options: BridgeOptions) {
    this.options = options;
    options.disk.kill = () => {
      options.trace(() => `${options.server} is killed right after a commit`);
      this.crash(RESTART_MS);
    };
  }

  get server(): ServerName {
    return this.options.server;
  }

  get door(): Door | undefined {
    return this.#run;
  }

  get junction(): Junction | undefined {
    return this.#run?.junction;
  }

  async enrol(device: DeviceAddress): Promise<void> {
    const { members } = this.options.disk.committed;
    const member = localpartOf(memberOf(device));
    const [hash, bytes, key] = [Uint8Array.of(1), Uint8Array.of(1), Uint8Array.of(1)];
    await members.add(member, 'enhanced');
    await members.setList(member, { version: 1, hash, bytes, devices: [{ member, device: deviceOf(device), key }] });
    await members.publish(member, deviceOf(device), Uint8Array.of(7));
  }

  /** As compose/bridge.ts, in its order. */
  async start(): Promise<void> {
    if (this.#run || this.#ending || this.#outages > 0) return;
    const { server, clock: machine, disk, draw, log, counters, violated, linkTo } = this.options;
    const process = new Process();
    const stores = disk.open(process);
    const clock = machine.of(process);
    const client = new SimulatedClient({ ...this.options, process, clock: machine });
    const toDevice = new ToDeviceCarrier({ client, clock, transactionId: () => `t${draw.chance()}` });
    const carriers = linkTo ? [link({ ...this.options, own: server, process, doorOf: linkTo }), toDevice] : [toDevice];
    const watch = {
      sentBefore: this.#sentBefore,
      violated: (what: string) => violated(`sends ${what}`),
      leaving: this.options.leaving,
    };
    const junction = createJunction({
      own: server,
      stores,
      carriers: carriers.map((carrier) => watched(carrier, watch)),
      doorway: {
        deliver: (device, envelope) => process.alive && this.apps.get(device)?.deliver(envelope),
        delivered: (_, id) => process.alive && this.options.delivered(id),
      },
      shelf: { bundles: async (name) => (await disk.committed.members.bundles(name as never)).map(({ bundle }) => bundle) },
      clock,
      random: draw.bytes,
      counters,
      log,
    });
    const { journal, quarantine } = stores;
    const common = { client, server, journal, quarantine, clock, counters, log };
    const receiver = new SyncReceiver({
      ...common,
      route: junction,
      access: OPEN,
      onFatal: ({ message }) => violated(message),
      onBack: () => junction.greet(),
    });
    const run = { process, junction, receiver, client, route: junction, mailbox: junction.mailbox };
    this.#run = run;
    try {
      await junction.start();
      await receiver.start();
    } catch (error) {
      if (!(error instanceof VollyError)) throw error;
      this.options.trace(() => `${server} does not start: ${error.code}`);
      if (this.#run === run) this.crash(RESTART_MS);
    }
  }

  /** SIGKILL, perhaps in the middle of a stop: all of its memory is gone. */
  crash(ms: number): void {
    const run = this.#run ?? this.#ending;
    this.#run = undefined;
    this.#ending = undefined;
    if (run) {
      run.process.alive = false;
      this.options.disk.crash();
    }
    this.#downFor(ms);
  }

  /** SIGTERM. Ends in the order of compose/bridge.ts. */
  async stop(ms: number): Promise<void> {
    const run = this.#run;
    if (!run) return;
    this.#run = undefined;
    this.#ending = run;
    const began = this.options.time.now;
    await run.receiver.stop();
    this.#dropApps();
    await run.junction.stop();
    if (this.#ending !== run) return;
    this.#ending = undefined;
    run.client.close();
    this.options.disk.close();
    run.process.alive = false;
    const took = this.options.time.now - began;
    if (took > STOP_MS) this.options.violated(`takes ${took} ms for an orderly stop`);
    this.#downFor(ms);
  }

  #downFor(ms: number): void {
    this.#outages++;
    this.#dropApps();
    this.options.time.after(ms, () => {
      this.#outages--;
      void this.start();
    });
  }

  #dropApps(): void {
    for (const app of this.apps.values()) app.cut();
  }

  /** The homeserver went away under it. */
  breakRequests(): void {
    this.#run?.client.breakAll();
  }

  /** Answers in the journal. One whose end could not be written stays until the next start. */
  journaled(): Promise<readonly unknown[]> {
    return this.options.disk.committed.journal.pending(RECEIVER);
  }

  /** What is left in its queues on disk; empty when all is over. */
  async leftovers(): Promise<readonly string[]> {
    const { outbox, inbox } = this.options.disk.committed;
    const left = (await outbox.all()).map(({ type, id }) => `outbox ${type} ${id}`);
    for (const device of this.apps.keys())
      for (const { type, id } of await inbox.waiting(device)) left.push(`inbox ${type} ${id}`);
    return left.map((what) => `${this.server}: ${what}`);
  }
}
