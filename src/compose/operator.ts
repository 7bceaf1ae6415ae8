/** What the operator sees of a running bridge: its log, its counters, the steps of envelopes, its status, and the one listener that shows them. */
import type { RequestListener } from 'node:http';
import type { Clock } from '../clock.ts';
import { CallTimes } from '../ops/call-times.ts';
import { DatabaseHealth } from '../ops/database-health.ts';
import { gaugesOf } from '../ops/gauges.ts';
import { withHealth } from '../ops/health.ts';
import { createLog } from '../ops/log.ts';
import { createMetrics, type Metrics } from '../ops/metrics.ts';
import type { Status } from '../ops/status.ts';
import { homeserverWorks, type Parts } from '../ops/status-reader.ts';
import { createSteps } from '../ops/steps.ts';
import type { Log, Steps } from '../routing/ports.ts';
import type { FactStore } from '../storage/types.ts';
import type { Settings } from './reload.ts';

export interface OperatorView {
  readonly log: Log;
  readonly counters: Metrics;
  readonly steps: Steps;
  /** Told of commits. */
  readonly database: DatabaseHealth;
}

export function operatorView(
  settings: Settings,
  { version, clock }: { readonly version: string; readonly clock: Clock },
): OperatorView {
  const { logging, homeserver } = settings.now;
  const pino = createLog({ level: logging.level });
  settings.follow((now) => {
    pino.level = now.logging.level;
  });
  const counters = createMetrics({ build: { version, node: process.version }, ofProcess: true });
  return {
    log: { info: (event, fields) => pino.info(fields ?? {}, event), warn: (event, fields) => pino.warn(fields ?? {}, event) },
    counters,
    steps: createSteps(pino, new CallTimes(homeserver.server_name, clock, counters)),
    database: new DatabaseHealth(clock, counters),
  };
}

export interface OperatorDoor extends Parts, Pick<OperatorView, 'counters' | 'database'> {
  readonly read: () => Promise<Status>;
  readonly facts: Pick<FactStore, 'set'>;
}

/** Answers what is for the operator, and hands everything else on to `rest`. */
export function operatorDoor(options: OperatorDoor, rest: RequestListener): RequestListener {
  const { counters, database, read, facts, ...parts } = options;
  const homeserver = (): boolean => homeserverWorks(parts);
  const writes = (): Promise<boolean> => database.check((token) => facts.set('probe', token));
  counters.gauges(async () => {
    const [homeserverReady, databaseReady] = [homeserver(), await writes()];
    return {
      ready: Number(homeserverReady && databaseReady),
      homeserver_ready: Number(homeserverReady),
      database_ready: Number(databaseReady),
      ...(await read().then(gaugesOf, () => ({}))),
    };
  });
  const callsBack = (): boolean => parts.pulse.state.callsBack !== 'no';
  const health = { needed: { homeserver, database: writes }, wanted: { homeserver_calls_back: callsBack } };
  return withHealth(health, counters, rest);
}
