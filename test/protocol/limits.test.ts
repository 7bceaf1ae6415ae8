/**
 * The numbers that both sides of a wire must share: those of limits.ts are those of PROTOCOL.md. Tests of what they bound often name the
 * constant, so that one changed by mistake would change both; here it meets its sentence.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { LIMITS } from '../../src/limits.ts';

const TEXT = readFileSync(new URL('../../docs/PROTOCOL.md', import.meta.url), 'utf8');
const [S, MIN, H, DAY] = [1_000, 60_000, 3_600_000, 86_400_000];

const SENTENCES: readonly (readonly [name: keyof typeof LIMITS, value: number, sentence: string])[] = [
  ['cborDepth', 4, 'nested at most 4 deep'],
  ['bodyBytes', 24_576, 'No body is larger than 24,576 bytes'],
  ['sdpBytes', 65_536, 'inflates through a buffer of 65,537 bytes'],
  ['envelopeBytes', 60_000, 'a JSON object in UTF-8, at most 60,000 bytes'],
  ['acksPerEnvelope', 512, '`acks` (1 to 512 ids)'],
  ['endLifeMs', 20 * MIN, '1,200,000 ms for `undeliverable`'],
  ['futureMs', 30 * S, '+ 30 s (`clock_skew`)'],
  ['prekeyLifeMs', 14 * DAY, '`not_after` 14 days'],
  ['prekeyRotateMs', DAY, 'a new one each 24 h while online'],
  ['prekeyGraceMs', DAY, 'its seed is erased 24 h after the successor was published'],
  ['devicesPerMember', 16, '[1*16 entry]'],
  ['deviceListLifeMs', 30 * DAY, '`expires` = issued_at + 30 days'],
  ['deviceListRenewMs', 7 * DAY, 'renews it after 7 days'],
  ['keysWaitMs', 26 * S, "for a first bundle as long as the query lives and the bridges' last word about it may take, 26 s"],
  ['bundleWaitMs', 5 * S, 'for the others 5 s from the first one on'],
  ['headerBytes', 2_048, 'The header is at most 2,048 bytes'],
  ['candidatesPerMessage', 32, 'At most 32 in a message'],
  ['selectWaitMs', 30 * S, 'The callee waits 30 s for it'],
  ['candidateBatchMs', 100, 'batched over 100 ms'],
  ['offerLifeMs', 60 * S, 'An offer lives at most 60,000 ms'],
  ['messageLifeMs', 30 * S, 'Every other call message lives 30,000 ms'],
  ['hangupLifeMs', 60 * S, 'A `hangup` lives 60,000 ms too'],
  ['ringMs', 60 * S, 'from there it rings 60 s'],
  ['offerWaitMs', 70 * S, 'The caller waits 70 s from its last offer'],
  ['answerWaitMs', 65 * S, 'makes that 65 s from then on'],
  ['keysLifeMs', 20 * S, 'a `keys.query` and its bundles 20,000 ms'],
  ['replayWindow', 1_024, 'one 1,024 or more ahead of the next'],
  ['waitingDescriptions', 4, 'Of `negotiate` at most 4 wait'],
  ['waitingCandidates', 128, 'of `candidates` at most 128'],
  ['gapMs', 30 * S, 'A gap that stays 30 s'],
  ['negotiateWaitMs', 60 * S, 'has had no answer for 60 s'],
  ['unseenLostMs', 10 * MIN, '10 min of that end a call'],
  ['heartbeatMs', 20 * S, '**Heartbeat** every 20 s'],
  ['heartbeatLostMs', 60 * S, '60 s without any message end the call'],
  ['endedMs', 5 * MIN, 'the id is kept 5 min'],
  ['heldPerCall', 32, 'at most 32 of a call'],
  ['heldCalls', 64, '64 calls, 60 s'],
  ['heldMs', 60 * S, '64 calls, 60 s'],
  ['leftWithBridge', 64, 'of at most 64 messages in 60 s'],
  ['ringingWaitMs', 5 * S, '**No `ringing` within 5 s**'],
  ['replayMs', 5 * MIN, 'kept 5 min after sent_ts'],
  ['grantLifeMs', 7 * DAY, 'lifetime ≤ 604,800,000'],
  ['presenceLifeMs', 5 * MIN, 'a lifetime above 300,000 ms is `bad_encoding`'],
  ['frameBytes', 65_536, 'Each message is at most 65,536 bytes'],
  ['handshakeMs', 10 * S, 'A handshake lasts at most 10 s'],
  ['ticketLifeMs', DAY, 'until 24 h after the last *full* handshake'],
  ['recordsPerKey', 2 ** 20, 'After at most 2^20 records'],
  ['keyLifeMs', H, 'most 2^20 records or one hour'],
  ['pingMs', 25 * S, 'each side sends one about every 25 s'],
  ['unackedFrames', 256, 'At most 256 numbered frames are unsettled'],
  ['inviteLifeMs', 7 * DAY, 'It lives 7 days and serves once'],
  ['envelopesPerEvent', 256, 'binds the sender, and 256 of them'],
  ['seenMarginMs', 60 * S, "until the envelope's `expires` + 60 s"],
  ['confirmMs', 5 * S, 'Without an ack by `expires` + 5 s'],
  ['skewMs', 20 * S, 'A skew above 20 s'],
];

describe('The limits of PROTOCOL.md', () => {
  for (const [name, value, sentence] of SENTENCES)
    it(`${name} is that of “${sentence}”`, () => {
      assert.equal(LIMITS[name], value);
      assert(TEXT.includes(sentence));
    });
});
