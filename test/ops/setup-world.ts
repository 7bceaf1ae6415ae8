/** A first run without a machine: answers from a script, ports and a homeserver that the test decides, files in a folder of its own. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ErrorCode, VollyError } from '../../src/errors.ts';
import { isServerName } from '../../src/ids.ts';
import type { Given } from '../../src/ops/setup/form.ts';
import type { Found } from '../../src/ops/setup/look.ts';
import { type SetupOptions, setUp } from '../../src/ops/setup/run.ts';
import { ManualClock, seededRandom } from '../support/clock.ts';

export const AWAY = 'nothing answers (ECONNREFUSED)';

export class SetupWorld {
  readonly folder = mkdtempSync(join(tmpdir(), 'volly-setup-'));
  readonly file = join(this.folder, 'config.yaml');
  readonly registration = join(this.folder, 'data/registration.yaml');
  readonly clock = new ManualClock();
  readonly said: string[] = [];
  readonly asked: string[] = [];
  /** What is typed, in order; a number is a wait for nothing, and past the end Ctrl-C is pressed. */
  typed: string[] | undefined;
  /** Address → the name that the homeserver there says; null = it does not say it. */
  readonly homeservers = new Map<string, string | null>();
  /** Whose well-known file leads to every homeserver. */
  likelyName: string | undefined;
  readonly takenPorts = new Set<number>();
  /** Why the homeserver does not know the bridge, one try after the other; then it does. */
  refusals: ErrorCode[] = [];
  tries = 0;
  isWell = true;
  software = 'Synapse/1.163.2';

  get text(): string {
    return this.said.join('\n');
  }

  get config(): string {
    return readFileSync(this.file, 'utf8');
  }

  /** Lines of the file that are no comments. */
  get settings(): string {
    return this.config.replaceAll(/^(#.*)?\n/gm, '');
  }

  run(given: Given, options: Partial<SetupOptions> = {}): Promise<boolean> {
    const all = { file: this.file, given, force: false, waitMs: 600_000, command: 'volly-bridge', ...options };
    return setUp(all, {
      terminal: {
        interactive: this.typed !== undefined,
        say: (text) => this.said.push(text),
        ask: (question) => this.#answer(question),
        close: () => {},
      },
      look: async (url) => this.#look(url),
      tryListen: async ({ host, port }) => {
        if (this.takenPorts.has(port)) throw new VollyError('port_taken', `${host}:${port} EADDRINUSE`);
      },
      clock: this.clock,
      random: seededRandom(7),
      isKnown: async () => {
        this.tries++;
        const code = this.refusals.shift();
        if (code !== undefined) throw new VollyError(code, 'whoami answered');
      },
      examine: async () => {
        this.said.push('the doctor was here');
        return this.isWell;
      },
    });
  }

  close(): void {
    rmSync(this.folder, { recursive: true });
  }

  async #answer(question: string): Promise<string> {
    this.asked.push(question);
    const answer = this.typed?.shift();
    if (answer === undefined) throw new VollyError('setup_ended');
    return answer;
  }

  #look(url: string): Found {
    const name = this.homeservers.get(url);
    const [software, serverName] = name === undefined ? ['unknown'] : [this.software, name];
    return {
      away: name === undefined ? AWAY : undefined,
      serverName: nameOf(serverName),
      likelyName: nameOf(this.likelyName),
      software,
    };
  }
}

const nameOf = (text: string | null | undefined) => (text && isServerName(text) ? text : undefined);
