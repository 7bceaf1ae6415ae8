import assert from 'node:assert/strict';
import { type Context, ProxyTracerProvider, type Span, type SpanOptions, trace } from '@opentelemetry/api';
import { createLog, type LogOptions } from '../../src/ops/log.ts';
import { spans } from '../../src/ops/spans.ts';
import { createSteps } from '../../src/ops/steps.ts';
import { traceOf } from '../../src/ops/trace-id.ts';
import type { Envelope } from '../../src/protocol/envelope.ts';
import type { Steps } from '../../src/routing/ports.ts';
import { alice, Bridge, bob, fern, message, offer, orchid } from '../routing/bridge.ts';
import { ManualClock } from '../support/clock.ts';
import { type Faults, SimulatedNetwork } from '../support/simulated-carrier.ts';

const NOBODY: Steps = { step() {} };

describe('the trace of an envelope', () => {
  let clock: ManualClock;
  let network: SimulatedNetwork;
  let lines: { orchid: string[]; fern: string[] };
  let a: Bridge;
  let b: Bridge;

  /** Two bridges; what they log is kept. */
  const start = async (level: LogOptions['level'], faults: Faults = {}): Promise<void> => {
    clock = new ManualClock();
    network = new SimulatedNetwork(clock, 1, faults);
    lines = { orchid: [], fern: [] };
    const stepsOf = (name: 'orchid' | 'fern') =>
      createSteps(createLog({ level, destination: { write: (line: string) => void lines[name].push(line) } }), NOBODY);
    a = new Bridge({ server: orchid, clock, networks: [network], devices: [alice], steps: stepsOf('orchid') });
    b = new Bridge({ server: fern, clock, networks: [network], devices: [bob], steps: stepsOf('fern') });
    await Promise.all([a.junction.start(), b.junction.start()]);
  };
  afterEach(() => Promise.all([a.junction.stop(), b.junction.stop()]));

  /** What a bridge says of an envelope, by its trace alone. */
  const saidOf = (envelope: Envelope, of: 'orchid' | 'fern'): Record<string, unknown>[] =>
    lines[of].map((line) => JSON.parse(line)).filter(({ trace_id }) => trace_id === traceOf(envelope).traceId);
  const steps = (envelope: Envelope, of: 'orchid' | 'fern') => saidOf(envelope, of).map(({ step }) => step);

  it('is one in the logs of both bridges, with each step in its order', async () => {
    await start('debug');
    const envelope = offer(clock);
    await a.send(envelope);
    await clock.advance(1_000);
    assert.match(traceOf(envelope).traceId, /^[0-9a-f]{32}$/);
    assert.deepEqual(steps(envelope, 'orchid'), ['accepted', 'routed', 'sent', 'acknowledged']);
    assert.deepEqual(steps(envelope, 'fern'), ['received', 'routed', 'delivered', 'taken']);
    const sent = saidOf(envelope, 'orchid').find(({ step }) => step === 'sent');
    assert.deepEqual([sent?.['attempt'], sent?.['type'], sent?.['level']], [1, 'app.volly.call.offer', 'debug']);
  });

  it('shows each attempt, and how it ended', async () => {
    await start('debug', { drop: 1 });
    const envelope = message(clock);
    await a.send(envelope);
    await clock.advance(60_000);
    const said = saidOf(envelope, 'orchid');
    const attempts = said.filter(({ step }) => step === 'sent').map(({ attempt }) => attempt);
    assert.ok(attempts.length > 2);
    assert.deepEqual(
      attempts,
      attempts.map((_, i) => i + 1),
    );
    assert.deepEqual([said.at(-1)?.['step'], said.at(-1)?.['code']], ['ended', 'unconfirmed']);
    assert.deepEqual(steps(envelope, 'fern'), []);
  });

  it('says how long an acknowledgement took only where one attempt can have been meant', async () => {
    await start('debug');
    const first = message(clock);
    await a.send(first);
    await clock.advance(500);
    network.cut = true;
    const second = message(clock);
    await a.send(second);
    await clock.advance(500);
    network.cut = false;
    await clock.advance(5_000);
    const acknowledged = (envelope: Envelope) => saidOf(envelope, 'orchid').find(({ step }) => step === 'acknowledged');
    assert.ok(Number(acknowledged(first)?.['ms']) >= 100, 'acknowledgements are gathered');
    assert.ok(acknowledged(second));
    assert.equal(acknowledged(second)?.['ms'], undefined);
  });

  it('shows at the sender’s bridge how it ended at the other one', async () => {
    await start('debug');
    b.offline.add(bob);
    const envelope = message(clock);
    await a.send(envelope);
    await clock.advance(60_000);
    assert.deepEqual(steps(envelope, 'fern').at(-1), 'ended');
    const { step, code } = saidOf(envelope, 'orchid').at(-1) ?? {};
    assert.deepEqual([step, code], ['ended', 'undeliverable']);
  });

  it('shows what is refused, and why', async () => {
    await start('debug');
    const late = message(clock, { expires: clock.now() - 1 });
    await assert.rejects(a.send(late));
    assert.deepEqual(
      saidOf(late, 'orchid').map(({ step, code }) => [step, code]),
      [
        ['accepted', undefined],
        ['refused', 'expired'],
      ],
    );
  });

  it('stays on one machine: local calls have the steps of both ends', async () => {
    await start('debug');
    const local = message(clock, { to: alice });
    await a.send(local);
    await clock.advance(100);
    assert.deepEqual(steps(local, 'orchid'), ['accepted', 'routed', 'delivered', 'taken']);
  });

  it('names no member, device, server or id, and nothing that is sealed', async () => {
    await start('debug');
    const envelope = offer(clock);
    await a.send(envelope);
    await clock.advance(60_000);
    const text = [...lines.orchid, ...lines.fern].join('');
    assert.ok(text.length > 0);
    const allowed = new Set(['level', 'time', 'trace_id', 'step', 'type', 'attempt', 'carrier', 'code', 'ms', 'msg']);
    for (const line of [...lines.orchid, ...lines.fern])
      assert.deepEqual(
        Object.keys(JSON.parse(line)).filter((field) => !allowed.has(field)),
        [],
      );
    for (const secret of ['alice', 'bob', 'PHONE', 'example', envelope.id]) assert.ok(!text.includes(secret), secret);
  });

  it('is written at the level `debug` alone', async () => {
    await start('info');
    await a.send(offer(clock));
    await clock.advance(1_000);
    assert.deepEqual([...lines.orchid, ...lines.fern], []);
  });

  it('is another for another sender’s envelope of the same id', () => {
    const { id } = offer(new ManualClock());
    const of = (from: string) => traceOf({ id, from: from as typeof alice }).traceId;
    assert.notEqual(of('alice@orchid.example/PHONE'), of('mallory@evil.example/PHONE'));
    // The word on an envelope's end knows its device; an acknowledgement only that it is of this server.
    assert.equal(of('alice@orchid.example/PHONE'), of('orchid.example'));
  });

  describe('with an OpenTelemetry SDK', () => {
    interface Seen {
      readonly name: string;
      readonly traceId: string | undefined;
      readonly options: SpanOptions;
      failed: boolean;
      endedAt: number;
    }
    let seen: Seen[];
    beforeEach(() => {
      seen = [];
      const startSpan = (name: string, options: SpanOptions = {}, context?: Context): Span => {
        const one: Seen = {
          name,
          options,
          traceId: context && trace.getSpanContext(context)?.traceId,
          failed: false,
          endedAt: 0,
        };
        seen.push(one);
        const span = {
          setStatus: () => {
            one.failed = true;
          },
          end: (at: number) => {
            one.endedAt = at;
          },
        };
        return span as unknown as Span;
      };
      trace.setGlobalTracerProvider({ getTracer: () => ({ startSpan, startActiveSpan: () => undefined as never }) });
    });
    afterEach(() => {
      trace.disable();
      assert.deepEqual(spans(), []);
    });

    it('is one trace of spans, whatever the log’s level', async () => {
      await start('error');
      const envelope = offer(clock);
      await a.send(envelope);
      await clock.advance(1_000);
      const mine = seen.filter(({ traceId }) => traceId === traceOf(envelope).traceId);
      const wanted = ['accepted', 'routed', 'sent', 'received', 'routed', 'delivered', 'taken', 'acknowledged'];
      assert.deepEqual(mine.map(({ name }) => name).sort(), wanted.map((step) => `volly.${step}`).sort());
      for (const { options, endedAt } of mine) assert.ok(endedAt >= Number(options.startTime));
      const acknowledged = mine.find(({ name }) => name === 'volly.acknowledged');
      assert.ok(acknowledged && acknowledged.endedAt - Number(acknowledged.options.startTime) >= 100, 'as long as it took');
      assert.doesNotMatch(JSON.stringify(seen), /alice|bob|PHONE|example/);
      assert.ok(!JSON.stringify(seen).includes(envelope.id));
    });

    it('has what failed as failed, with its code', async () => {
      await start('error');
      await assert.rejects(a.send(message(clock, { expires: clock.now() - 1 })));
      const refused = seen.find(({ name }) => name === 'volly.refused');
      assert.ok(refused?.failed);
      assert.equal(refused.options.attributes?.['volly.code'], 'expired');
    });
  });

  it('has no spans without an SDK', async () => {
    assert.ok(trace.getTracerProvider() instanceof ProxyTracerProvider);
    await start('error');
    assert.deepEqual(spans(), []);
  });
});
