/** `volly-bridge setup`, with the real terminal, homeserver, ports and files. */
import { createServer } from 'node:http';
import { systemClock as clock, systemRandom as random } from '../clock.ts';
import { loadRegistration } from '../config/registration-file.ts';
import type { Config } from '../config/schema.ts';
import { BRIDGE_DEVICE, bridgeUserOf } from '../ids.ts';
import { HomeserverClient } from '../matrix/client.ts';
import { checkRecognised } from '../matrix/recognised.ts';
import type { Finding } from '../ops/doctor/finding.ts';
import { findingLines, summary } from '../ops/doctor/page.ts';
import { listen } from '../ops/listen.ts';
import { lookAt } from '../ops/setup/look.ts';
import { type SetupOptions, setUp } from '../ops/setup/run.ts';
import { openTerminal } from '../ops/setup/terminal.ts';
import { examine } from './doctor.ts';

/** False where the doctor found something. Throws VollyError where a step cannot be done. */
export function setUpBridge(options: SetupOptions, version: string, interactive: boolean): Promise<boolean> {
  const terminal = openTerminal({ input: process.stdin, output: process.stdout }, interactive);
  return setUp(options, {
    terminal,
    look: lookAt,
    tryListen: async (at) => (await listen(createServer(), at)).close(),
    isKnown,
    examine: () => askDoctor(options.file, version, (text) => terminal.say(text)),
    clock,
    random,
  });
}

async function askDoctor(configFile: string, version: string, say: (text: string) => void): Promise<boolean> {
  const findings: Finding[] = [];
  for await (const finding of examine({ configFile, version })) {
    findings.push(finding);
    say(findingLines(finding));
  }
  say(`\n${summary(findings)}`);
  return findings.every(({ result }) => result !== 'failed');
}

async function isKnown(config: Config): Promise<void> {
  const { url, server_name: server } = config.homeserver;
  const { as_token: asToken } = loadRegistration(config);
  const client = new HomeserverClient({ url, asToken, userId: bridgeUserOf(server), deviceId: BRIDGE_DEVICE, clock });
  await checkRecognised(client, server);
}
