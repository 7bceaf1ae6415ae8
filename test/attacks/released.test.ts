/** The quarantine, by whom it was made for: content that waits there for an operator who releases it must not get further than it did at first. */
import assert from 'node:assert/strict';
import { bridgeUserOf, parseServerName, type ServerName } from '../../src/ids.ts';
import { LIMITS } from '../../src/limits.ts';
import { readEvents } from '../../src/matrix/inbound.ts';
import { readRefused } from '../../src/matrix/release.ts';
import { TRANSACTIONS } from '../../src/matrix/transactions.ts';

const [OWN, HONEST, EVIL] = ['orchid.example', 'fern.example', 'evil.example'].map(parseServerName) as [
  ServerName,
  ServerName,
  ServerName,
];
const HANGUP = 'app.volly.call.hangup';
const hangup = (server: string, n = 0) => ({
  id: Buffer.alloc(16, n).toString('base64url'),
  type: HANGUP,
  from: `bob@${server}/PHONE`,
  to: `alice@${OWN}/PHONE`,
  expires: Date.UTC(2026, 0, 1),
  header: 'AAAA',
  sealed: 'AAAA',
});

/** What evil.example’s bridge user sends, as the quarantine keeps it. */
function refusedOf(type: string, content: unknown) {
  const { refused, arrivals } = readEvents([{ type, sender: bridgeUserOf(EVIL), content }], OWN);
  assert.equal(arrivals.length, 0);
  return refused;
}

describe('attacks by what waits in the quarantine', () => {
  it('R10 content that looks like an event of another server does not speak for that server when it is released', () => {
    const forged = { type: HANGUP, sender: bridgeUserOf(HONEST), content: { envelopes: [hangup(HONEST)] } };
    const [asContent] = refusedOf(HANGUP, forged);
    assert.ok(asContent && asContent.source === EVIL);
    assert.throws(() => readRefused(asContent, OWN), { code: 'wrong_sender' });
    const [asEnvelope] = refusedOf(HANGUP, { envelopes: [forged] });
    assert.ok(asEnvelope && asEnvelope.source === EVIL);
    assert.throws(() => readRefused(asEnvelope, OWN), { code: 'wrong_sender' });
  });

  it('R10 nor does an event that the own homeserver pushed, where none is to come', () => {
    const content = JSON.stringify({ type: HANGUP, sender: bridgeUserOf(HONEST), content: { envelopes: [hangup(HONEST)] } });
    assert.throws(() => readRefused({ source: TRANSACTIONS, code: 'bad_encoding', content }, OWN), { code: 'wrong_sender' });
  });

  it('an envelope that came under another type than its own stays refused', () => {
    const [kept] = refusedOf('app.volly.presence', { envelopes: [hangup(EVIL)] });
    assert.equal(kept?.code, 'wrong_type');
    assert.throws(() => readRefused(kept!, OWN), { code: 'wrong_type' });
  });

  it('more envelopes than an event may have stay refused, in one layer or in two', () => {
    const many = Array.from({ length: LIMITS.envelopesPerEvent + 1 }, (_, n) => hangup(EVIL, n));
    for (const content of [{ envelopes: many }, { envelopes: [{ envelopes: many }] }])
      for (const kept of refusedOf(HANGUP, content)) {
        const code = kept.content.length < LIMITS.envelopeBytes ? 'too_large' : 'bad_encoding';
        assert.throws(() => readRefused(kept, OWN), { code });
      }
  });

  it('what the community itself sent passes, as after an upgrade', () => {
    const event = { type: HANGUP, sender: bridgeUserOf(EVIL), content: { envelopes: [hangup(EVIL)] } };
    const row = { source: EVIL, code: 'wrong_type', content: JSON.stringify(event) };
    assert.deepEqual(
      readRefused(row, OWN).map(({ server, envelope }) => [server, envelope.type]),
      [[EVIL, HANGUP]],
    );
    const bug = { source: EVIL, code: 'bad_encoding', content: JSON.stringify(hangup(EVIL)) };
    assert.equal(readRefused(bug, OWN).length, 1);
  });
});
