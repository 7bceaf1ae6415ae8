/** Two communities for a test file: a real Synapse and a real bridge process each, which have never met before. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse, stringify } from 'yaml';
import { type Community, type CommunityOptions, startCommunity } from '../support/community.ts';
import { createAuthority } from '../support/homeserver/certificates.ts';
import type { Person } from '../support/people.ts';

export interface Pair {
  readonly orchid: Community;
  readonly maple: Community;
  readonly both: readonly [Community, Community];
  /** Ends the apps of these people first. Databases and logs stay where a test has failed. */
  close(people: readonly (Person | undefined)[], failed: boolean): Promise<void>;
}

export async function startPair(options: Pick<CommunityOptions, 'tapped' | 'logging' | 'nodeArgs'>): Promise<Pair> {
  const folder = await mkdtemp(join(tmpdir(), 'volly-federation-'));
  const authority = createAuthority();
  const start = (name: string) => startCommunity({ name, dir: join(folder, name.toLowerCase()), authority, ...options });
  const [orchid, maple] = await Promise.all([start('Orchid'), start('Maple')]);
  return {
    orchid,
    maple,
    both: [orchid, maple],
    async close(people, failed) {
      for (const person of people) if (person?.client.connection.kind !== 'closed') await person?.client.close();
      await Promise.all([orchid.stop(), maple.stop()]);
      if (failed) console.error(`logs and databases are in ${folder}`);
      else await rm(folder, { recursive: true, force: true });
    },
  };
}

/** For an `after` hook: whether any test of its suite failed, or of those inside. */
export function anyFailed(context: Mocha.Context): boolean {
  let failed = false;
  context.test?.parent?.eachTest(({ state }) => {
    failed ||= state === 'failed';
  });
  return failed;
}

/** What an operator does to stop talking to a server: edits the configuration and restarts. */
export async function deny(community: Community, servers: readonly string[]): Promise<void> {
  const config = parse(await readFile(community.configPath, 'utf8'));
  await writeFile(community.configPath, stringify({ ...config, policy: { deny: servers } }));
  await community.stopBridge();
  await community.startBridge();
}

export async function until(what: string, holds: () => boolean, ms = 15_000): Promise<void> {
  const deadline = performance.now() + ms;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`not within ${ms / 1_000} s: ${what}`);
    await sleep(10);
  }
}
