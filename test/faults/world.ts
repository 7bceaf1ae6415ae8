/**
 * Two communities with real Synapses and bridges, and the stores of their members' apps. One world serves many scenarios one after the
 * other; a scene (scene.ts) is one scenario's time in it.
 *
 * Members by role, `a0t` on side a and so on: talkers (`t`) keep a call with the other side's of the same number; callers (`c`) set up
 * calls to the other side's callees (`r`).
 */
import { copyFile, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { systemClock as clock, systemRandom as random } from '../../src/clock.ts';
import { loadConfig } from '../../src/config/load.ts';
import { selectProvider } from '../../src/crypto/select.ts';
import { loadCommunityKey } from '../../src/gateway/community-key.ts';
import { makeInvite } from '../../src/gateway/invite.ts';
import { parseLocalpart, parseServerName } from '../../src/ids.ts';
import { openSqlite } from '../../src/storage/sqlite/stores.ts';
import { type Community, startCommunity, type Ways } from '../support/community.ts';
import { createAuthority } from '../support/homeserver/certificates.ts';
import type { LoadOptions } from './apps/load.ts';
import { now, type Side as SideName } from './log.ts';
import { type SyncTap, startSyncTap } from './sync-tap.ts';

/** Talker, caller, callee. */
type Role = 't' | 'c' | 'r';

export interface WorldOptions {
  /** Pairs that talk, and callers and callees of each side. */
  readonly talkers?: number;
  readonly callers?: number;
  readonly callees?: number;
  /** Proxies. Without one of a side's own between bridge and homeserver, a tap there tells what was let go. */
  readonly ways?: { readonly a?: Ways; readonly b?: Ways };
  /** Laid over the gateway's section of the configuration. */
  readonly gateway?: { readonly a?: Readonly<Record<string, unknown>>; readonly b?: Readonly<Record<string, unknown>> };
  /** Another build's `src/bin.js` for bridge b. */
  readonly programOfB?: string;
  /** Of both bridges' node. */
  readonly nodeArgs?: readonly string[];
}

export class World {
  readonly folder: string;
  readonly a: Community;
  readonly b: Community;
  readonly #sizes: Readonly<Record<Role, number>>;
  readonly #taps: { readonly a?: SyncTap; readonly b?: SyncTap };
  #enrolled = false;
  readonly #read = { a: 0, b: 0 };

  private constructor(
    folder: string,
    communities: readonly [Community, Community],
    taps: { readonly a?: SyncTap; readonly b?: SyncTap },
    options: WorldOptions,
  ) {
    this.folder = folder;
    [this.a, this.b] = communities;
    this.#taps = taps;
    const { talkers = 10, callers = 6, callees = 6 } = options;
    this.#sizes = { t: talkers, c: callers, r: callees };
  }

  /** In a folder of its own below `parent`. */
  static async start(parent: string, options: WorldOptions = {}): Promise<World> {
    const folder = await mkdtemp(join(parent, 'world-'));
    const authority = createAuthority();
    const taps: { a?: SyncTap; b?: SyncTap } = {};
    const start = (side: SideName) => {
      const { ways, gateway, programOfB, nodeArgs = [] } = options;
      const homeserver = async (target: number) => {
        const tap = await startSyncTap(target);
        taps[side] = tap;
        return tap;
      };
      return startCommunity({
        name: side,
        dir: join(folder, side),
        authority,
        ways: { homeserver, ...ways?.[side] },
        gateway: gateway?.[side] ?? {},
        nodeArgs,
        ...(side === 'b' && programOfB !== undefined ? { program: programOfB } : {}),
      });
    };
    const started = await Promise.allSettled([start('a'), start('b')]);
    const communities = started.filter((one) => one.status === 'fulfilled').map(({ value }) => value);
    const failed = started.find((one) => one.status === 'rejected');
    if (failed) {
      await Promise.all(communities.map((community) => community.stop()));
      throw failed.reason;
    }
    return new World(folder, communities as [Community, Community], taps, options);
  }

  /** Undefined where a scenario has a proxy of its own there. */
  tap(side: SideName): SyncTap | undefined {
    return this.#taps[side];
  }

  /** Every member of a side, with an invite as long as it has not enrolled. */
  async members(side: SideName): Promise<Readonly<Record<string, string | null>>> {
    const names = (['t', 'c', 'r'] as const).flatMap((role) => this.namesOf(side, role));
    const invites = this.#enrolled ? names.map(() => null) : await invite(this[side], names);
    return Object.fromEntries(names.map((name, i) => [name, invites[i] as string | null]));
  }

  /** From now on the apps' stores hold their accounts. */
  enrolled(): void {
    this.#enrolled = true;
  }

  /** Names of a side's members of a role. */
  namesOf(side: SideName, role: Role): readonly string[] {
    return Array.from({ length: this.#sizes[role] }, (_, i) => `${side}${i}${role}`);
  }

  /** The usual load of one side. Side a makes the calls of even pairs, side b those of odd ones. */
  loadOf(side: SideName, { everyMs, setupsPerSecond }: Pick<LoadOptions, 'everyMs' | 'setupsPerSecond'>): LoadOptions {
    const other = side === 'a' ? 'b' : 'a';
    const theirs = (name: string) => `${name}@${this[other].serverName}`;
    const own = this.namesOf(side, 't').filter((_, i) => (i % 2 === 0) === (side === 'a'));
    return {
      talks: Object.fromEntries(own.map((name) => [name, theirs(other + name.slice(1))])),
      everyMs,
      callers: this.namesOf(side, 'c'),
      callees: this.namesOf(other, 'r').map(theirs),
      setupsPerSecond,
    };
  }

  /** Of these envelopes, those that the database of a killed bridge knows, journaled or remembered. */
  async known(side: SideName, ids: readonly string[]): Promise<readonly string[]> {
    // A copy: to open the database would mend it.
    const copy = join(this.folder, `${side}-${now()}`);
    await mkdir(copy);
    try {
      for (const suffix of ['', '-wal'])
        await copyFile(this[side].databasePath + suffix, join(copy, `db${suffix}`)).catch(() => {});
      const db = new Database(join(copy, 'db'));
      try {
        const raws = db.prepare<[], { raw: string }>('SELECT raw FROM journal').all();
        const seen = db.prepare<[string]>('SELECT 1 FROM inbox_seen WHERE id = ?');
        return ids.filter((id) => seen.get(id) !== undefined || raws.some(({ raw }) => raw.includes(id)));
      } finally {
        db.close();
      }
    } finally {
      await rm(copy, { recursive: true });
    }
  }

  /** What the bridges have called a bug of theirs since this was asked last. */
  async bugs(): Promise<readonly string[]> {
    const found: string[] = [];
    for (const side of ['a', 'b'] as const) {
      const lines = (await readFile(this[side].logPath, 'utf8')).split('\n');
      for (const line of lines.slice(this.#read[side]))
        if (/"msg":"[^"]*\bbug\b/.test(line)) found.push(`broke: bridge ${side} says ${line}`);
      this.#read[side] = lines.length - 1;
    }
    return found;
  }

  async stop(): Promise<void> {
    await Promise.allSettled([this.a.stop(), this.b.stop()]);
  }
}

/** As `volly-bridge member invite` does, of all in one process. */
async function invite(community: Community, names: readonly string[]): Promise<readonly string[]> {
  const { storage, keys, gateway } = loadConfig(community.configPath);
  const server = parseServerName(community.serverName);
  const key = await loadCommunityKey({ file: keys.path, server, provider: selectProvider(), random });
  const stores = openSqlite({ file: storage.path, clock });
  try {
    const options = { invites: stores.invites, random, clock, publicUrl: gateway.public_url, community: key };
    const made = names.map((name) => makeInvite({ ...options, localpart: parseLocalpart(name) }));
    return (await Promise.all(made)).map(({ link }) => link);
  } finally {
    await stores.close();
  }
}
