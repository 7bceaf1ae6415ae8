/**
 * The process of one side's apps: several members' SDKs, each with its own store and socket. Started by side.ts with its options as its one
 * argument; told what to do over the IPC channel. Made to be killed.
 */
import { randomInt } from 'node:crypto';
import WebSocket from 'ws';
import type { WebSocketLike } from '../../../src/client/connection-types.ts';
import { LIMITS } from '../../../src/limits.ts';
import { seeded } from '../../support/clock.ts';
import { LogWriter } from '../log.ts';
import { App } from './app.ts';
import type { Command, HostOptions, Reply, Request } from './commands.ts';
import { Load } from './load.ts';

const options = JSON.parse(process.argv[2] ?? '') as HostOptions;
const log = await LogWriter.open(options.log);
const sockets = new Map<string, WebSocket>();

/** Each connection comes from an address of its own, as phones' do: the door counts addresses. */
const socketOf = (name: string) => (): WebSocketLike => {
  const address = `10.${randomInt(256)}.${randomInt(256)}.${randomInt(1, 255)}`;
  const headers = { 'X-Forwarded-For': address };
  const socket = new WebSocket(`${options.gatewayUrl}/volly/v1`, {
    headers,
    perMessageDeflate: false,
    maxPayload: LIMITS.frameBytes,
  });
  sockets.set(name, socket);
  return socket as unknown as WebSocketLike;
};

const apps = new Map<string, App>();
const load = new Load(apps, seeded(options.seed));
const { server, stores } = options;
await Promise.all(
  Object.entries(options.members).map(async ([name, invite]) =>
    load.add(await App.start({ name, server, stores, log, socket: socketOf(name), invite: invite ?? undefined })),
  ),
);

async function perform(command: Command): Promise<number> {
  switch (command.do) {
    case 'load':
      load.start(command.load);
      return 0;
    case 'stop-load':
      load.stop();
      return 0;
    case 'hang-up':
      await load.hangUp(command.all);
      return 0;
    case 'open-calls':
      return load.openCalls;
    case 'online':
      return [...apps.values()].filter(({ online }) => online).length;
    case 'set-up':
      return load.setUp(command.setUps);
    case 'call':
      return (await apps.get(command.from)?.call(command.to)) ? 1 : 0;
    case 'cut-sockets':
      for (const name of command.apps ?? sockets.keys()) sockets.get(name)?.terminate();
      return 0;
    case 'close':
      load.stop();
      await Promise.all([...apps.values()].map((app) => app.close()));
      return 0;
  }
}

process.on('message', ({ id, command }: Request) => {
  perform(command).then(
    (result) => process.send?.({ id, result } satisfies Reply),
    (error) => process.send?.({ id, error: String(error?.stack ?? error) } satisfies Reply),
  );
});
// Whoever started us is gone.
process.on('disconnect', () => process.exit());
process.send?.({ id: 0 } satisfies Reply);
