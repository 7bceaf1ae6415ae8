/** Does what a schedule says. */
import { newEnvelopeId, parseDeviceAddress } from '../../src/ids.ts';
import type { Envelope } from '../../src/protocol/envelope.ts';
import { type Act, NOBODY } from './schedule.ts';
import { NAMES, type World } from './world.ts';

/** Nobody restores a database faster; an outage that falls between an answer and the next request, while a commit takes its time, is not seen. */
const RESTORING_MS = 2_000;

type ActOf<K extends Act['kind']> = Act & { readonly kind: K };

export function perform(world: World, act: Act): void {
  world.count(act.kind);
  if (act.kind !== 'send') world.trace(() => Object.values(act).join(' '));
  switch (act.kind) {
    case 'send':
      send(world, act);
      break;
    case 'away':
      world.apps[act.device]!.leave(act.ms);
      break;
    case 'crash':
      world.bridges[act.server]!.crash(act.ms);
      break;
    case 'stop':
      void world.bridges[act.server]!.stop(act.ms);
      break;
    case 'backup':
      world.homeservers[act.server]!.backup();
      break;
    case 'homeserver':
      homeserverDown(world, act);
      break;
    case 'cut':
      world.time.after(act.ms, world.federation.cut(NAMES[act.from]!, NAMES[act.to]!));
      break;
    case 'jump':
      world.clocks.get(NAMES[act.server]!)!.jump(act.ms);
      break;
    case 'disk':
      diskFails(world, act);
  }
}

function homeserverDown(world: World, { server, ms, restored }: ActOf<'homeserver'>): void {
  const homeserver = world.homeservers[server]!;
  homeserver.stop();
  world.bridges[server]!.breakRequests();
  if (restored && ms >= RESTORING_MS) homeserver.restore();
  world.time.after(ms, () => {
    homeserver.up = true;
  });
}

function diskFails(world: World, { server, ms }: ActOf<'disk'>): void {
  const { disk } = world.bridges[server]!.options;
  disk.broken = true;
  world.time.after(ms, () => {
    disk.broken = false;
  });
}

function send(world: World, { from, to, type, lifeMs }: ActOf<'send'>): void {
  const app = world.apps[from]!;
  const clock = world.clocks.get(NAMES[Math.floor(from / world.schedule.devicesPerServer)]!)!;
  const nobody = [`nobody@${NAMES[0]}/PHONE`, `m0@${NAMES[1]}/TABLET`].map(parseDeviceAddress);
  const device = world.apps[to]?.device ?? nobody[(to - world.apps.length) % NOBODY]!;
  const id = newEnvelopeId(world.draw.bytes);
  const target = type === 'app.volly.keys.query' ? device.slice(0, device.lastIndexOf('/')) : device;
  world.trace(() => `${app.device} sends ${type} ${id} to ${target}, for ${lifeMs} ms`);
  const parts = { id, type, from: app.device, to: target, expires: clock.now() + lifeMs, ...fieldsOf(type, id) };
  const envelope = parts as unknown as Envelope;
  world.ledger.handedOver(envelope, app.device, world.time.now + lifeMs);
  app.send(envelope);
}

function fieldsOf(type: Envelope['type'], id: string): object {
  if (type === 'app.volly.keys.query') return { request: id };
  const bytes = Uint8Array.of(1, 2, 3);
  const sealed = { header: bytes, sealed: bytes };
  return /offer|[.]answer|subscribe|grant/.test(type) ? { ...sealed, quantum_key: bytes, signature: bytes } : sealed;
}
