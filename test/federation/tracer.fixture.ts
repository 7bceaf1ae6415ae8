/** Stands for an OpenTelemetry SDK that an operator loads before the bridge (`node --import`): writes a line for each span. */
import { type Context, type Span, trace } from '@opentelemetry/api';

function startSpan(name: string, _options?: unknown, context?: Context): Span {
  const { traceId } = (context && trace.getSpanContext(context)) ?? {};
  const end = (): void => void process.stderr.write(`span ${traceId} ${name}\n`);
  return { setStatus: () => {}, end } as unknown as Span;
}

trace.setGlobalTracerProvider({ getTracer: () => ({ startSpan, startActiveSpan: () => undefined as never }) });
