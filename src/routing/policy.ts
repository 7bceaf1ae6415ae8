/** With which servers this bridge exchanges envelopes. */
import type { ServerName } from '../ids.ts';

export interface PolicyOptions {
  /** Only these, when given. A name, or `*.example` for every name below it. */
  readonly allow?: readonly string[];
  /** Never these; wins over `allow`. */
  readonly deny?: readonly string[];
}

export type Policy = (server: ServerName) => boolean;

const matches = (rule: string, server: ServerName): boolean =>
  rule.startsWith('*.') ? server.replace(/:[0-9]+$/, '').endsWith(rule.slice(1)) : rule === server;

export function createPolicy({ allow, deny = [] }: PolicyOptions): Policy {
  return (server) => !deny.some((rule) => matches(rule, server)) && (allow?.some((rule) => matches(rule, server)) ?? true);
}
