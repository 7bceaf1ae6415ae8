/** Who is told of the steps of envelopes: the log at its finest level, an OpenTelemetry SDK where there is one, and what times calls. */
import type { Steps } from '../routing/ports.ts';
import type { Log } from './log.ts';
import { spans } from './spans.ts';
import { traceOf } from './trace-id.ts';

/** Nothing of an envelope but its type: no member, no id. */
const stepLines = (log: Log): Steps => ({
  step(step, envelope, details = {}) {
    if (!log.isLevelEnabled('debug')) return;
    const { ms, ...more } = details;
    const type = envelope.type === undefined ? {} : { type: envelope.type };
    const took = ms === undefined ? {} : { ms: Math.round(ms) };
    log.debug({ trace_id: traceOf(envelope).traceId, step, ...type, ...more, ...took }, 'envelope');
  },
});

/** `always` is told in any case; the others cost next to nothing where they are not wanted. */
export function createSteps(log: Log, always: Steps): Steps {
  const told = [always, stepLines(log), ...spans()];
  return {
    step: (...what) => {
      for (const one of told) one.step(...what);
    },
  };
}
