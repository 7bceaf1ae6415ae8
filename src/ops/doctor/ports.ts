/** What the doctor asks of rooms that it may not enter; compose/doctor.ts hands it in. */
import type { Bytes } from '../../bytes.ts';
import type { Config } from '../../config/schema.ts';
import type { ServerName } from '../../ids.ts';
import type { Status } from '../status.ts';
import type { RunOptions } from './check.ts';

/** `version` and `known` are numbers of the schema. `reason` is SQLite's code. */
export type DatabaseState =
  | { readonly state: 'good'; readonly version: number; readonly known: number }
  | { readonly state: 'corrupt'; readonly reason: string }
  | { readonly state: 'unusable'; readonly reason: string };

/** Of a gateway handshake the first half: who the gateway is. */
export interface GatewayHello {
  /** To be sent. */
  readonly message: Uint8Array;
  /** Of the answer: our community's key, another's, or no answer of a gateway at all. */
  readonly read: (answer: Uint8Array) => Promise<'ours' | 'other' | 'none'>;
}

export interface DoctorPorts {
  /** Of the installed program. */
  readonly version: string;
  /** Of Node.js. */
  readonly node: string;
  readonly configFile: string;
  /** How long an answer is waited for. */
  readonly answerMs: number;
  /** How long a message that was taken is waited for: the echo, a hello of another bridge. */
  readonly returnMs: number;
  /** Throws `not_running`, `database`, and `bad_config` for an admin token that cannot be used. */
  readonly askStatus: (config: Config) => Promise<Status>;
  /** Lets the running bridge look for a peer and greet it: whether its server answers. Throws `denied_by_policy`, `not_running`. */
  readonly wakePeer: (config: Config, peer: ServerName) => Promise<boolean>;
  /** Reads alone: what is there stays as it is. */
  readonly inspectDatabase: (file: string) => DatabaseState;
  /** Whether a running bridge holds this database. */
  readonly isHeld: (file: string) => boolean;
  /** The hash that apps pin, of a key file's text; undefined where that is none. */
  readonly communityKeyHash: (text: string) => Bytes | undefined;
  readonly mayTalk: (config: Config, peer: ServerName) => boolean;
  readonly gatewayUrl: (publicUrl: string) => string;
  readonly greetGateway: (server: ServerName, communityKeyHash: Bytes) => GatewayHello;
}

export interface DoctorOptions extends RunOptions {
  readonly ports: DoctorPorts;
  /** Communities to look at. */
  readonly peers?: readonly ServerName[];
}
