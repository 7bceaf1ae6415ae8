/**
 * The steps of envelopes as OpenTelemetry spans, for an SDK that the operator starts before the bridge (`node --import`). All spans of one
 * envelope, here and at the other bridge, are of one trace; they hang on a span that nobody sends, since nobody sees the whole.
 */
import { ProxyTracerProvider, ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags, trace } from '@opentelemetry/api';
import type { Step, StepDetails, Steps } from '../routing/ports.ts';
import { traceOf } from './trace-id.ts';

const NAME = 'volly-bridge';

const KINDS: Partial<Readonly<Record<Step, SpanKind>>> = {
  received: SpanKind.CONSUMER,
  sent: SpanKind.PRODUCER,
  not_sent: SpanKind.PRODUCER,
};

/** Of none without an SDK: then a step costs nothing. */
export function spans(): readonly Steps[] {
  const provider = trace.getTracerProvider();
  if (provider instanceof ProxyTracerProvider && provider.getDelegateTracer(NAME) === undefined) return [];
  const tracer = provider.getTracer(NAME);
  const told: Steps = {
    step(step, envelope, details = {}) {
      const { traceId, spanId } = traceOf(envelope);
      const parent = trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true });
      const now = Date.now();
      const options = {
        kind: KINDS[step] ?? SpanKind.INTERNAL,
        startTime: now - (details.ms ?? 0),
        attributes: attributesOf(envelope.type, details),
      };
      const span = tracer.startSpan(`volly.${step}`, options, parent);
      if (details.code !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: details.code });
      span.end(now);
    },
  };
  return [told];
}

const attributesOf = (type: string | undefined, { attempt, carrier, code }: StepDetails): Record<string, string | number> => ({
  ...(type === undefined ? {} : { 'volly.type': type }),
  ...(attempt === undefined ? {} : { 'volly.attempt': attempt }),
  ...(carrier === undefined ? {} : { 'volly.carrier': carrier }),
  ...(code === undefined ? {} : { 'volly.code': code }),
});
