/** `volly-bridge setup` as an operator lives it: it is started, its lines go into homeserver.yaml, the homeserver is restarted, it ends. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Synapse } from '../support/homeserver/synapse.ts';
import { within } from '../support/people.ts';

/** Of the command itself; it waits as long for the homeserver as its flag says. */
const SETUP_MS = 60_000;

export class SetupRun {
  readonly code: Promise<number | null>;
  out = '';
  err = '';
  readonly #child: ChildProcess;

  /**
   * `command` as it is typed in `folder`. The doctor looks at federation as another server would, and must trust who signed the certificate:
   * `ca` is the file of an authority that is known to tests alone.
   */
  constructor(command: string, folder: string, { ca }: { readonly ca: string | undefined }) {
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: ca };
    this.#child = spawn('sh', ['-ec', `exec ${command}`], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.code = once(this.#child, 'close').then(([code]) => code);
    const kill = () => this.#child.kill('SIGKILL');
    process.once('exit', kill);
    void this.code.then(() => process.off('exit', kill));
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.out += text;
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.err += text;
    });
  }

  /** What it wants added to homeserver.yaml: from the line that says so to the next empty one. */
  get lines(): string {
    return /^Add these lines to homeserver\.yaml [^\n]*:\n\n([\s\S]*?\n)\n/m.exec(this.out)?.[1] ?? '';
  }

  async ends(): Promise<number | null> {
    return within('setup ends', this.code, SETUP_MS);
  }

  async endsWell(): Promise<void> {
    assert.equal(await this.ends(), 0, this.out + this.err);
    assert.equal(this.err, '');
  }

  /** What the operator does meanwhile, and nothing else; `synapse` runs. `folder` is where the registration is written. */
  async helpedWith(synapse: Synapse, folder: string): Promise<void> {
    await this.#says('it answers and does not know this bridge');
    assert.notEqual(this.lines, '', this.out);
    synapse.append(this.lines, [folder]);
    await synapse.restart();
    await this.endsWell();
    assert.ok(readFileSync(join(synapse.dir, 'homeserver.yaml'), 'utf8').endsWith(`\n${this.lines}`));
  }

  async #says(text: string): Promise<void> {
    const ended = this.code.then(() => assert.fail(`it ended without “${text}”:\n${this.out}${this.err}`));
    ended.catch(() => {}); // heard here while it matters
    while (!this.out.includes(text)) await Promise.race([ended, once(this.#child.stdout!, 'data')]);
  }
}
