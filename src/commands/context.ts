/** What every command is given. */
import type { Config } from '../config/schema.ts';

export interface Context {
  /** Of this program, as package.json has it. */
  readonly version: string;
  /** From the file that `--config` names. Throws `bad_config`. */
  readonly config: () => Config;
}
