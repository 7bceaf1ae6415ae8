/** One envelope by one name through the logs of two real bridges, and the metrics that a call leaves. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { traceOf } from '../../src/ops/trace-id.ts';
import type { Passing } from '../../src/routing/ports.ts';
import type { Community } from '../support/community.ts';
import { enrol, type Person, within } from '../support/people.ts';
import { acceptAndConnect, callWithChannel, hangUp, rings } from './conversation.ts';
import { anyFailed, type Pair, startPair, until } from './pair.ts';
import { eventsOn } from './wire.ts';

const TRACER = new URL('./tracer.fixture.ts', import.meta.url).href;

describe('The trace of a call', () => {
  let pair: Pair;
  let alice: Person;
  let bob: Person;
  before(async () => {
    pair = await startPair({ tapped: true, logging: { level: 'debug' }, nodeArgs: ['--import', TRACER] });
    [alice, bob] = await Promise.all([enrol(pair.orchid, 'alice'), enrol(pair.maple, 'bob')]);
    const rung = rings(bob);
    const calling = await callWithChannel(alice, bob.client.member);
    const ringing = new Promise<void>((resolve) => calling.call.on('ringing', resolve));
    const incoming = await rung;
    await within('it rings', ringing);
    await hangUp(await acceptAndConnect(calling, incoming), 'caller');
    await until('the outboxes are empty', () => pair.both.every((one) => unacknowledged(one) === 0));
  });
  after(function () {
    return pair?.close([alice, bob], anyFailed(this));
  });

  const linesOf = ({ logPath }: Community): Record<string, unknown>[] =>
    readFileSync(logPath, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line));
  const stepsOf = (community: Community, trace: string): unknown[] =>
    linesOf(community).flatMap(({ trace_id, step }) => (trace_id === trace ? [step] : []));
  /** Sent, of types that are acknowledged, and not yet so. */
  const unacknowledged = (community: Community): number => {
    const open = new Set<unknown>();
    for (const { trace_id, step, type } of linesOf(community)) {
      if (step === 'sent' && !/ack|hello|presence$/.test(String(type))) open.add(trace_id);
      if (step === 'acknowledged' || step === 'ended') open.delete(trace_id);
    }
    return open.size;
  };
  const envelopes = (): Passing[] =>
    pair.both
      .flatMap(({ exchanges }) => exchanges.flatMap(eventsOn))
      .flatMap(({ envelopes }) => [...envelopes] as unknown as Passing[]);

  it('has each step of the offer in the logs of both bridges, under one name and in order', () => {
    const offer = envelopes().find(({ type }) => type === 'app.volly.call.offer');
    assert.ok(offer);
    const { traceId } = traceOf(offer);
    assert.deepEqual(stepsOf(pair.orchid, traceId), ['accepted', 'routed', 'sent', 'acknowledged']);
    assert.deepEqual(stepsOf(pair.maple, traceId), ['received', 'routed', 'delivered', 'taken']);
  });

  it('has the same steps as spans for an SDK that was loaded before the bridge', () => {
    const { traceId } = traceOf(envelopes().find(({ type }) => type === 'app.volly.call.offer')!);
    for (const community of pair.both) {
      const spans = readFileSync(community.logPath, 'utf8').matchAll(new RegExp(`^span ${traceId} volly\\.(\\w+)$`, 'gm'));
      assert.deepEqual(
        [...spans].map(([, step]) => step),
        stepsOf(community, traceId),
      );
    }
  });

  it('has every envelope that was on the wire in both logs', () => {
    const traces = [...new Set(envelopes().map((envelope) => traceOf(envelope).traceId))];
    assert.ok(traces.length > 10, `${traces.length}`);
    for (const trace of traces)
      for (const community of pair.both) assert.ok(stepsOf(community, trace).length > 0, `${community.name} ${trace}`);
  });

  it('names no member, device or id of an envelope in any log', () => {
    const ids = [...new Set(envelopes().map(({ id }) => id))];
    for (const community of pair.both) {
      const text = readFileSync(community.logPath, 'utf8');
      for (const secret of ['alice', 'bob', alice.client.address, bob.client.address, ...ids])
        assert.ok(!text.includes(secret), `${community.name}: ${secret}`);
    }
  });

  it('is in the metrics as a call that was answered, with how long it took, on both sides', async () => {
    for (const [community, side] of [
      [pair.orchid, 'caller'],
      [pair.maple, 'callee'],
    ] as const) {
      const counts = await community.counts();
      assert.equal(counts.get(`call_outcomes_total{outcome="answered",side="${side}"}`), 1);
      for (const until of ['ringing', 'answer'])
        assert.equal(counts.get(`call_setup_seconds_count{until="${until}",side="${side}"}`), 1);
      assert.ok((counts.get('ack_seconds_count{carrier="to_device"}') ?? 0) > 0);
      assert.ok((counts.get('database_commit_seconds_count') ?? 0) > 0);
      assert.ok((counts.get('carrier_requests_total{carrier="to_device",result="ok"}') ?? 0) > 0);
    }
  });
});
