/** What every command is given. */
import type { Config } from '../config/schema.ts';

export interface Context {
  /** Of this program, as package.json has it. */
  readonly version: string;
  /** What `--config` names, as it was written. */
  readonly file: () => string;
  /** From that file. Throws `bad_config`. */
  readonly config: () => Config;
}
