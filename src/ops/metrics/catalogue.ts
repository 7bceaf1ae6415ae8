/**
 * Every metric of the bridge, once: docs/METRICS.md, the Grafana dashboard and the alert rules are generated from it, and what is not in it is
 * not counted. Labels are closed sets of types, codes and the like, never a member or a server, so that a peer cannot make them grow.
 */
import { CALLS } from './calls.ts';
import { GATEWAY } from './gateway.ts';
import { HOMESERVER } from './homeserver.ts';
import type { Metric, Section } from './metric.ts';
import { PEERS } from './peers.ts';
import { STORAGE } from './storage.ts';

/** In the order of page and dashboard. */
export const SECTIONS: readonly Section[] = [CALLS, PEERS, HOMESERVER, GATEWAY, STORAGE];

const all = new Map<string, Metric>(SECTIONS.flatMap(({ metrics }) => Object.entries(metrics)));

/** By the name that the code has for it. */
export const METRICS: ReadonlyMap<string, Metric> = all;

/** As Prometheus has it: `volly_`, and `_total` for what is counted. */
export const publicName = (name: string): string => `volly_${name}${METRICS.get(name)?.kind === 'counter' ? '_total' : ''}`;
