/** Step 10 of section 12: what is in an offer, subscribe or grant that a sender sealed and signed, and that no body may be. */
import assert from 'node:assert/strict';
import { deflateSync } from 'fflate';
import { type Bytes, utf8 } from '../../src/bytes.ts';
import { newCallId } from '../../src/ids.ts';
import { deflateSdp, encodeBody, PADDING } from '../../src/protocol/body.ts';
import { decodeBundle, encodeBundle } from '../../src/protocol/bundle.ts';
import type { Cbor } from '../../src/protocol/cbor.ts';
import type { OpeningType } from '../../src/protocol/check.ts';
import type { EnvelopeOf } from '../../src/protocol/envelope.ts';
import { openOffer } from '../../src/protocol/offer.ts';
import { sealOpening } from '../../src/protocol/opening.ts';
import { openGrant, openSubscribe } from '../../src/protocol/presence.ts';
import { code } from '../crypto/providers.ts';
import { AV, first, makeLegacy, makePerson, NOW, openGuard, P, peerOf, random } from './people.ts';

const alice = makePerson('alice@a.example');
const bob = makePerson('bob@b.example');
const peer = peerOf(bob);
const options = { device: first(bob).local, known: {}, guard: openGuard, now: NOW, newest: 0 };

async function sealed<T extends OpeningType>(type: T, body: Bytes): Promise<EnvelopeOf<T>> {
  const { local: device, identity } = first(alice);
  const seq = type === 'app.volly.presence.grant' ? 1 : 0;
  const wanted = { type, device, peer, callId: newCallId(random), seq, now: NOW, lifetime: 60_000, body, exports: [], identity };
  return (await sealOpening(P, random, wanted)).envelope;
}

const open = async (body: Bytes) => openOffer(P, await sealed('app.volly.call.offer', body), options);
const offer = (...fields: Cbor[]) => open(encodeBody(fields, PADDING.offer));

describe('What a sender sealed that no body may be', () => {
  const sdp = deflateSdp(AV.offer);
  const { spk } = peer.prekey;

  it('in an offer', async () => {
    await offer(sdp, spk, 'none');
    await assert.rejects(
      offer(deflateSdp(`${AV.offer}a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n`), spk, 'none'),
      code('bad_sdp'),
    );
    await assert.rejects(offer(deflateSync(new Uint8Array(65_537)) as Bytes, spk, 'none'), code('too_large'));
    await assert.rejects(offer(utf8('not DEFLATE'), spk, 'none'), code('bad_encoding'));
    await assert.rejects(offer(sdp, spk.slice(1), 'none'), code('bad_encoding'));
    await assert.rejects(offer(sdp, spk, 'sometimes'), code('bad_encoding'));
    await assert.rejects(offer(sdp, spk), code('bad_encoding'));
    await assert.rejects(offer(sdp, spk, 'none', 0), code('bad_encoding'));
    await assert.rejects(open(encodeBody([sdp, spk, 'none'], PADDING.offer).fill(1, -1)), code('bad_padding'));
  });

  it('in a subscribe or a grant', async () => {
    const body = encodeBody([0], PADDING.presence);
    await assert.rejects(openSubscribe(P, await sealed('app.volly.presence.subscribe', body), options), code('bad_encoding'));
    await assert.rejects(openGrant(P, await sealed('app.volly.presence.grant', body), options), code('bad_encoding'));
  });
});

describe('R8 keys that are parsed with a message', () => {
  it('R8 an ek_call of low order is refused', async () => {
    const body = [deflateSdp(AV.offer), peer.prekey.spk.slice().fill(0, 1184), 'none'];
    await assert.rejects(offer(...body), code('bad_key'));
  });

  it('R8 a community key of small order is refused', () => {
    const { list, uik, devices } = makeLegacy('carol@c.example');
    const [{ dik, prekey }] = devices as [(typeof devices)[0] & object];
    const small = uik.slice().fill(0, 1952);
    assert.throws(() => decodeBundle(encodeBundle(list, dik, prekey, small)), code('bad_key'));
  });
});
