/** What the operator sees of a running bridge: its log, its counters, its status, and the one listener that shows them. */
import type { RequestListener } from 'node:http';
import type { Clock } from '../clock.ts';
import type { Config } from '../config/schema.ts';
import { withHealth } from '../ops/health.ts';
import { createLog } from '../ops/log.ts';
import { createMetrics, type Metrics } from '../ops/metrics.ts';
import { gaugesOf, withStatus } from '../ops/status.ts';
import { type Parts, statusReader } from '../ops/status-reader.ts';
import type { Log } from '../routing/ports.ts';

export function operatorView({ logging }: Pick<Config, 'logging'>): { log: Log; counters: Metrics } {
  const pino = createLog({ level: logging.level });
  return {
    log: { info: (event, fields) => pino.info(fields ?? {}, event), warn: (event, fields) => pino.warn(fields ?? {}, event) },
    counters: createMetrics(),
  };
}

export interface OperatorDoor extends Omit<Parts, 'clock'> {
  readonly clock: Clock;
  readonly counters: Metrics;
  readonly hsToken: string;
}

/** Answers what is for the operator, and hands everything else on to `rest`. */
export function operatorDoor({ counters, hsToken, ...parts }: OperatorDoor, rest: RequestListener): RequestListener {
  const read = statusReader(parts);
  counters.gauges(async () => gaugesOf(await read()));
  return withHealth({ homeserver: () => parts.receiver.state.ready }, counters, withStatus({ hsToken, read }, rest));
}
