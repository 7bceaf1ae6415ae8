/** What must be so once all is quiet, each with the sentence of docs/PROTOCOL.md that promises it. */
import type { ErrorCode } from '../../src/errors.ts';
import { LIMITS } from '../../src/limits.ts';
import { isAcked, serverOfAddress } from '../../src/protocol/envelope.ts';
import { LINK_MS } from './apps.ts';
import type { Story } from './ledger.ts';
import type { World } from './world.ts';

/** A commit that was begun in time, and the way to the app. */
const LATE_MS = 500 + LINK_MS[1];
/** Clocks count whole milliseconds, the model does not. */
const ROUNDING_MS = 2;
/** Repeats come every 8 s at last (their clocks run on in an outage), an app reconnects within one, acks are repeated for. */
const SETTLING_MS = 45_000;
const STEP_MS = 500;
/** A request that hangs ends after 10 s (a poll after 20), its path rests for 9, an app that refused it does not count. */
const RECOVERY_MS = 40_000;

const DEFINITE: ReadonlySet<ErrorCode> = new Set(['undeliverable', 'unknown_member', 'peer_unreachable']);

/** Runs until nobody waits for anything, or for as long as anything could. */
export async function untilQuiet(world: World): Promise<void> {
  const { schedule, ledger, spreadMs } = world;
  const ends = [...ledger.stories.values()].map(({ endsAt }) => endsAt);
  await runUntil(world, Math.max(schedule.calmAt, ...ends) + LIMITS.confirmMs + 2 * spreadMs + SETTLING_MS, isQuiet);
}

/** A repeat that was on its way is acknowledged once more. */
export const untilNothingRemains = (world: World): Promise<void> =>
  runUntil(world, world.time.now + SETTLING_MS, async () => (await remains(world)).length === 0);

async function runUntil(world: World, end: number, quiet: (world: World) => Promise<boolean>): Promise<void> {
  do await world.time.run(world.time.now + STEP_MS);
  while (world.time.now < end && !(await quiet(world)));
}

async function isQuiet(world: World): Promise<boolean> {
  if (world.apps.some((app) => !app.idle)) return false;
  for (const story of world.ledger.stories.values()) if (!isDecided(world, story)) return false;
  return (await remains(world)).length === 0;
}

/** Section 15: a bridge keeps an envelope until it is acknowledged or ended, and for a device until it takes it or it ends. Then nothing is kept. */
export async function remains(world: World): Promise<readonly string[]> {
  const left: string[] = [];
  for (const bridge of world.bridges) {
    left.push(...(await bridge.leftovers()));
    const load = bridge.junction?.load();
    if (!load) left.push(`${bridge.server}: not running`);
    else if (load.bytes !== 0 || load.peers !== 0) left.push(`${bridge.server}: load ${JSON.stringify(load)}`);
  }
  return left;
}

/** "An acked envelope is kept and sent again … until an ack names it or it expires": arrived, or its sender was told. */
function isDecided(world: World, story: Story): boolean {
  const { envelope, accepted, refused, replaced, taken, told } = story;
  if (!accepted) return refused !== undefined;
  if (!isAcked(envelope.type)) return true; // "Nobody is told … of what is not acked"
  if (replaced) return true; // "a bridge MAY keep of a device's subscribes the newest only"
  if (envelope.type === 'app.volly.keys.query' && world.ledger.isRemembered(serverOfAddress(envelope.to), envelope)) return true;
  return taken || told.size > 0;
}

/** Its sender was told an end, though it lived on long enough after the last fault and no app turned it away. */
const isAvoidable = (world: World, { envelope, endsAt, told, taken, shownAt }: Story): boolean =>
  told.size > 0 &&
  !taken &&
  shownAt.length === 0 &&
  endsAt - 2 * world.spreadMs > world.schedule.calmAt + RECOVERY_MS &&
  [...told.values()].every(({ reason }) => reason !== 'unknown_member') &&
  envelope.type !== 'app.volly.keys.query';

export async function checkEnds(world: World): Promise<void> {
  for (const story of world.ledger.stories.values()) checkStory(world, story);
  await checkNothingRemains(world);
  for (const bridge of world.bridges)
    if ((await bridge.journaled()).length > 0) world.violated(`${bridge.server}'s journal is not empty after a restart`);
}

/** Before the last restart too: memory that fills up is not seen after it. */
export async function checkNothingRemains(world: World): Promise<void> {
  for (const what of await remains(world)) world.violated(`left when all is quiet: ${what}`);
}

function checkStory(world: World, story: Story): void {
  const { envelope, endsAt, attempts, refused, accepted, shownAt, settledAt, taken } = story;
  const skew = 2 * world.spreadMs;
  const told = [...story.told.values()];
  const reasons = told.map(({ reason }) => reason);
  const violated = (what: string): void => world.violated(`${envelope.type} ${envelope.id} ${what}`);
  if (!isDecided(world, story)) violated(accepted ? 'is neither delivered nor ended' : 'was never answered');
  // "kept and sent again, the same bytes, about 1, 2, 4, 8 s apart": once all is well it arrives.
  if (isAvoidable(world, story)) violated(`did not arrive though all was well for ${RECOVERY_MS} ms: ${reasons.join()}`);
  // "undeliverable is the other bridge's word that no device took the envelope by its `expires`".
  if (taken && settledAt < endsAt - skew - ROUNDING_MS && reasons.some((reason) => DEFINITE.has(reason)))
    violated(`was taken in time, its sender told ${reasons.join()}`);
  // … "or `unconfirmed` where the device may have it": the definite word is for what no device was handed.
  if (reasons.includes('undeliverable') && shownAt.length > 0)
    violated('was shown to the device and is said to be undeliverable');
  if (told.some(({ reason, at }) => reason !== 'unknown_member' && at < endsAt - skew))
    violated(`was ended before its end: ${reasons.join()}`);
  if (reasons.includes('unknown_member') && shownAt.length > 0) violated('was shown to the device that is said not to exist');
  // "peer_unreachable, where it surely never left".
  if (reasons.includes('peer_unreachable') && world.ledger.isRemembered(serverOfAddress(envelope.to), envelope))
    violated('came to the peer that is said to be unreachable');
  // "Of the two servers' words the first counts."
  if (told.length > 1) violated(`was ended twice: ${reasons.join()}`);
  // `expires`: "after which nobody delivers it" (src/protocol/envelope.ts). Clocks differ, and one's own before and after a restart.
  const late = Math.max(...shownAt) - endsAt - skew;
  if (late > LATE_MS) violated(`was shown ${Math.round(late)} ms after its end`);
  // A refusal is certain (docs/ERRORS.md): nothing of it went on.
  if (attempts === 1 && refused !== undefined && shownAt.length > 0) violated(`was refused (${refused}) and delivered`);
}
