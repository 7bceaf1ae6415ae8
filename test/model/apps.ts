/**
 * An app and its connection, as the gateway and the SDK treat each other (PROTOCOL.md section 14.5): what waits comes first, what is not
 * settled comes again on the next connection, either way; what one connection has brought it does not bring twice.
 */
import { VollyError } from '../../src/errors.ts';
import type { DeviceAddress, EnvelopeId } from '../../src/ids.ts';
import { type Envelope, serverOfAddress } from '../../src/protocol/envelope.ts';
import type { Mailbox, Route } from '../../src/routing/ports.ts';
import type { Draw } from './draw.ts';
import type { Ledger } from './ledger.ts';
import type { Rates } from './schedule.ts';
import type { Process, SimulatedTime } from './time.ts';

/** One way between app and bridge. */
export const LINK_MS: readonly [number, number] = [1, 40];
const RECONNECT_MS: readonly [number, number] = [50, 1_000];
/** How an app waits with what its bridge could not take just now. */
const AGAIN_MS = 1_000;
const PASSING: ReadonlySet<string> = new Set(['database', 'shutting_down', 'overloaded']);

/** The bridge as a connection sees it, for as long as its process lives. */
export interface Door {
  readonly process: Process;
  readonly route: Route;
  readonly mailbox: Mailbox;
}

export interface AppOptions {
  readonly device: DeviceAddress;
  readonly time: SimulatedTime;
  readonly draw: Draw;
  readonly rates: Rates;
  readonly ledger: Ledger;
  readonly trace: (line: () => string) => void;
  /** Undefined while the bridge is down. */
  readonly door: () => Door | undefined;
}

interface Connection {
  readonly door: Door;
  readonly brought: Set<string>;
  open: boolean;
}

export class App {
  readonly #options: AppOptions;
  /** Handed to the bridge, or to be, and not settled. */
  readonly #outgoing = new Map<EnvelopeId, Envelope>();
  #connection: Connection | undefined;
  /** Times it was told to be away. */
  #away = 0;
  #connecting = false;

  constructor(options: AppOptions) {
    this.#options = options;
    this.#connectSoon();
  }

  get device(): DeviceAddress {
    return this.#options.device;
  }

  get idle(): boolean {
    return this.#outgoing.size === 0;
  }

  send(envelope: Envelope): void {
    this.#outgoing.set(envelope.id, envelope);
    if (this.#connection) this.#submit(this.#connection, envelope);
  }

  /** The phone is off for a while. */
  leave(ms: number): void {
    this.#away++;
    this.cut();
    this.#options.time.after(ms, () => {
      this.#away--;
      this.#connectSoon();
    });
  }

  /** The connection is gone, or the bridge at its other end; the app tries again. */
  cut(): void {
    if (this.#connection) this.#connection.open = false;
    this.#connection = undefined;
    this.#connectSoon();
  }

  /** From the junction, for a device that may be connected. */
  deliver(envelope: Envelope): void {
    this.#options.ledger.brought(this.device, envelope);
    if (this.#connection) this.#bring(this.#connection, envelope);
  }

  #connectSoon(): void {
    if (this.#connecting || this.#connection) return;
    this.#connecting = true;
    this.#options.time.after(this.#options.draw.between(...RECONNECT_MS), () => {
      this.#connecting = false;
      if (this.#away > 0) return;
      const door = this.#options.door();
      if (door) void this.#connect(door);
      else this.#connectSoon();
    });
  }

  async #connect(door: Door): Promise<void> {
    const connection: Connection = { door, brought: new Set(), open: true };
    this.#connection = connection;
    for (const envelope of this.#outgoing.values()) this.#submit(connection, envelope);
    try {
      for (const envelope of await door.mailbox.waiting(this.device)) this.#bring(connection, envelope);
    } catch {
      // As the gateway: a mailbox that cannot be read ends the connection.
      if (this.#connection === connection) this.cut();
    }
  }

  #submit(connection: Connection, envelope: Envelope): void {
    this.#overLink(connection, async () => {
      const { ledger } = this.#options;
      const story = ledger.stories.get(envelope.id)!;
      story.attempts++;
      let refused: VollyError | undefined;
      try {
        await connection.door.route.route(envelope, { kind: 'device', device: this.device });
        story.accepted = true;
      } catch (error) {
        if (!(error instanceof VollyError)) throw error;
        refused = error;
      }
      this.#overLink(connection, () => this.#settled(connection, envelope, refused));
    });
  }

  #settled(connection: Connection, envelope: Envelope, refused: VollyError | undefined): void {
    if (refused && PASSING.has(refused.code) && this.#options.draw.is(0.7)) {
      this.#options.time.after(AGAIN_MS, () => {
        if (connection.open) this.#submit(connection, envelope);
      });
      return;
    }
    this.#outgoing.delete(envelope.id);
    if (!refused) return;
    this.#options.ledger.stories.get(envelope.id)!.refused = refused.code;
    this.#options.trace(() => `${this.device} ${envelope.type} ${envelope.id} refused: ${refused.code}`);
  }

  #bring(connection: Connection, envelope: Envelope): void {
    const key = `${serverOfAddress(envelope.from)} ${envelope.id}`;
    if (connection.brought.has(key)) return;
    connection.brought.add(key);
    connection.door.mailbox.handed(envelope);
    this.#overLink(connection, () => this.#open(connection, envelope));
  }

  #open(connection: Connection, envelope: Envelope): void {
    const { draw, rates, ledger, trace } = this.#options;
    if (draw.is(rates.refuses)) return; // it stays in the inbox, and away from this connection
    trace(
      () =>
        `${this.device} opens ${envelope.type} ${envelope.id}${envelope.type === 'app.volly.undeliverable' ? ` (${envelope.reason} of ${envelope.envelope})` : ''}`,
    );
    ledger.shown(this.device, envelope);
    if (draw.is(rates.breaks)) this.cut();
    this.#overLink(connection, () => {
      ledger.settling(envelope);
      if (envelope.type !== 'app.volly.presence') connection.door.mailbox.taken(this.device, envelope).catch(() => {});
    });
  }

  #overLink(connection: Connection, arrive: () => void): void {
    const { time, draw } = this.#options;
    time.after(draw.between(...LINK_MS), () => {
      if (connection.open && connection.door.process.alive) arrive();
    });
  }
}
