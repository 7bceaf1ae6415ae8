/** What a run and the process of one side's apps say to each other. */
import type { LoadOptions, SetUps } from './load.ts';

export interface HostOptions {
  readonly server: string;
  /** Where the members' apps keep their stores; the same from run to run. */
  readonly stores: string;
  /** The file of this process's log. */
  readonly log: string;
  /** In place of what invites say; with a relay in between, say. */
  readonly gatewayUrl: string;
  readonly seed: number;
  /** By name; with an invite where it has not enrolled. */
  readonly members: Readonly<Record<string, string | null>>;
}

export type Command =
  | { readonly do: 'load'; readonly load: LoadOptions }
  | { readonly do: 'stop-load' }
  | { readonly do: 'hang-up'; readonly all: boolean }
  /** How many calls go on. */
  | { readonly do: 'open-calls' }
  /** How many apps are connected. */
  | { readonly do: 'online' }
  /** How many of them became active. */
  | { readonly do: 'set-up'; readonly setUps: SetUps }
  /** One call; the result is 1 when its offers are out, 0 when it could not be made. */
  | { readonly do: 'call'; readonly from: string; readonly to: string }
  /** These apps' sockets end, or all. */
  | { readonly do: 'cut-sockets'; readonly apps?: readonly string[] }
  | { readonly do: 'close' };

export interface Request {
  readonly id: number;
  readonly command: Command;
}

export interface Reply {
  readonly id: number;
  readonly result?: number;
  readonly error?: string;
}
