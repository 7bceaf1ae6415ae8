/** One member's app: the real SDK, a store on disk, a log. Its calls are what load.ts and scenarios make of it. */
import { join } from 'node:path';
import type { Call } from '../../../src/client/call.ts';
import { VollyClient } from '../../../src/client/client.ts';
import type { WebSocketLike } from '../../../src/client/connection-types.ts';
import type { Incoming } from '../../../src/client/incoming.ts';
import { FileStore } from '../../../src/client/node.ts';
import { codeOf } from '../../../src/errors.ts';
import { type CallId, type DeviceAddress, deviceAddress, parseDeviceId, parseMemberId } from '../../../src/ids.ts';
import type { LogWriter } from '../log.ts';
import { type LoggedGateway, loggedGateway, type Write, writerOf } from './gateway.ts';
import { paperConnection } from './paper.ts';

const DEVICE = parseDeviceId('PHONE');

export interface AppOptions {
  readonly name: string;
  readonly server: string;
  /** Of all members' stores. */
  readonly stores: string;
  readonly log: LogWriter;
  readonly socket: (url: string) => WebSocketLike;
  /** For one that has not enrolled. */
  readonly invite?: string | undefined;
}

/** One side of a call. Numbers are said from when the call is active, one after the other. */
export class Talk {
  readonly call: Call;
  readonly outgoing: boolean;
  #said = 0;
  readonly #say: (n: number) => void;

  constructor(call: Call, outgoing: boolean, say: (n: number) => void) {
    this.call = call;
    this.outgoing = outgoing;
    this.#say = say;
  }

  get active(): boolean {
    return this.call.state === 'active';
  }

  say(): void {
    if (this.active) this.#say(++this.#said);
  }
}

export class App {
  readonly name: string;
  readonly address: DeviceAddress;
  /** Calls that go on here, made and taken. */
  readonly talks = new Set<Talk>();
  /** Decides of what rings; by default all is taken. */
  onRing: (incoming: Incoming) => void = (incoming) => void this.take(incoming);
  readonly #write: Write;
  readonly #gateway: LoggedGateway;
  #client!: VollyClient;

  private constructor({ name, server, log }: AppOptions) {
    this.name = name;
    this.address = deviceAddress(parseMemberId(`${name}@${server}`), DEVICE);
    this.#write = writerOf(log, this.address);
    this.#gateway = loggedGateway(this.#write);
  }

  static async start(options: AppOptions): Promise<App> {
    const app = new App(options);
    await app.#write({ k: 'run' });
    app.#client = await VollyClient.connect({
      store: new FileStore(join(options.stores, options.name)),
      socket: options.socket,
      rejectWhenBusy: false,
      gateway: app.#gateway.open,
      ...(options.invite === undefined ? {} : { invite: options.invite, device: DEVICE }),
    });
    app.#client.on('incoming', (incoming) => app.#rings(incoming));
    app.#client.on('refused', (code, type) => void app.#write({ k: 'declined', code, type }));
    app.#client.on('fault', (error) => void app.#write({ k: 'bug', text: String(error instanceof Error ? error.stack : error) }));
    return app;
  }

  get online(): boolean {
    return this.#client.connection.kind === 'online';
  }

  /** Undefined where it could not be made: keys that did not come, say. */
  async call(member: string): Promise<Talk | undefined> {
    const pc = paperConnection((n) => void this.#write({ k: 'hear', call: call?.id ?? '', n }));
    let call: Call | undefined;
    try {
      call = await this.#client.call(member, { pc });
    } catch (error) {
      await this.#write({ k: 'declined', code: codeOf(error) ?? 'fault', type: 'call' });
      return undefined;
    }
    const label = call.id as CallId;
    void this.#write({ k: 'call', call: label, to: member });
    return this.#track(call, label, pc.say, true);
  }

  /** Undefined where it had stopped ringing. */
  async take(incoming: Incoming): Promise<Talk | undefined> {
    const pc = paperConnection((n) => void this.#write({ k: 'hear', call: incoming.id, n }));
    try {
      return this.#track(await incoming.accept({ pc }), incoming.id, pc.say, false);
    } catch (error) {
      await this.#write({ k: 'declined', code: codeOf(error) ?? 'fault', type: 'accept' });
      return undefined;
    }
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  #rings(incoming: Incoming): void {
    const until = this.#gateway.offerEnds.get(incoming.id) ?? 0;
    this.#gateway.offerEnds.delete(incoming.id);
    void this.#write({ k: 'rings', call: incoming.id, from: incoming.from, conn: this.#gateway.conn(), until });
    const over = ({ reason, by }: { reason: string; by: string }) =>
      void this.#write({ k: 'over', call: incoming.id, reason, by });
    if (incoming.end) over(incoming.end);
    else incoming.on('ended', over);
    this.onRing(incoming);
  }

  #track(call: Call, label: CallId, paper: (n: number) => void, outgoing: boolean): Talk {
    const say = (n: number) => void this.#write({ k: 'say', call: call.id ?? label, n }).then(() => paper(n));
    const talk = new Talk(call, outgoing, say);
    const over = ({ reason, by }: { reason: string; by: string }) => {
      this.talks.delete(talk);
      void this.#write({ k: 'over', call: label, reason, by });
    };
    if (call.end) over(call.end);
    else {
      this.talks.add(talk);
      call.on('state', (phase) => void (phase !== 'ended' && this.#write({ k: 'phase', call: label, phase })));
      call.on('ended', over);
    }
    return talk;
  }
}
