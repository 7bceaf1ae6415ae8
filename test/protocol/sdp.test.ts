import assert from 'node:assert/strict';
import { RTCPeerConnection } from 'werift';
import { checkCandidate } from '../../src/protocol/candidate.ts';
import { checkAnswerFits, checkSdp, fingerprintOf, withoutCandidates } from '../../src/protocol/sdp.ts';
import { code } from '../crypto/providers.ts';
import { AV, BROWSERS, DATA, KINDS, sdpOf } from './people.ts';

const FINGERPRINT = /a=fingerprint:sha-256 [0-9A-F:]+\r\n/;
const OTHER = `a=fingerprint:sha-256 ${Array(32).fill('00').join(':')}\r\n`;
const edit = (pattern: string | RegExp, replacement: string, sdp = AV.offer): string => {
  const edited = sdp.replace(pattern, replacement);
  assert.notEqual(edited, sdp, `nothing to edit: ${pattern}`);
  return edited;
};
const add = (line: string): string => `${AV.offer}${line}\r\n`;

/** Each is an SDP that some stack might take, and that no call may carry. */
const MUTATIONS: readonly [why: string, sdp: string][] = [
  ['nothing', ''],
  ['lines that end with LF', AV.offer.replaceAll('\r\n', '\n')],
  ['lines that end with CR', AV.offer.replaceAll('\r\n', '\r')],
  ['a last line without an end', AV.offer.slice(0, -2)],
  ['an empty line', edit('t=0 0\r\n', 't=0 0\r\n\r\n')],
  ['a lone LF inside a line', edit('a=mid:0', 'a=mid:0\na=candidate:1 1 udp 1 192.0.2.1 9 typ host')],
  ['a lone CR inside a line', edit('a=mid:0', 'a=mid:0\ra=candidate:1 1 udp 1 192.0.2.1 9 typ host')],
  ['a NUL', edit('s=-', 's=-\0')],
  ['a tab', edit('a=group:BUNDLE 0', 'a=group:BUNDLE\t0')],
  ['a line separator of Unicode', edit('s=-', 's=-\u2028')],
  ['a byte order mark', `\ufeff${AV.offer}`],
  ['no version', edit('v=0\r\n', '')],
  ['another version', edit('v=0', 'v=1')],
  ['origin and version in another order', edit(/(v=0\r\n)(o=.*\r\n)/, '$2$1')],
  ['an address in the origin', edit('IN IP4 127.0.0.1', 'IN IP4 192.0.2.1')],
  ['a host name in the origin', edit('IN IP4 127.0.0.1', 'IN IP4 tracker.example')],
  ['an address in the connection line', edit('c=IN IP4 0.0.0.0', 'c=IN IP4 192.0.2.1')],
  ['a multicast connection line', edit('c=IN IP4 0.0.0.0', 'c=IN IP4 224.2.1.1/127/3')],
  ['a connection line at the top', edit('t=0 0\r\n', 't=0 0\r\nc=IN IP4 0.0.0.0\r\n')],
  ['two connection lines', edit('c=IN IP4 0.0.0.0\r\n', 'c=IN IP4 0.0.0.0\r\nc=IN IP4 0.0.0.0\r\n')],
  ['a port in a=rtcp', edit('a=rtcp:9 IN IP4 0.0.0.0', 'a=rtcp:50001 IN IP4 0.0.0.0')],
  ['an address in a=rtcp', edit('a=rtcp:9 IN IP4 0.0.0.0', 'a=rtcp:9 IN IP4 192.0.2.1')],
  ['a candidate', add('a=candidate:1 1 udp 2113937151 192.0.2.1 50000 typ host')],
  ['the end of candidates', add('a=end-of-candidates')],
  ['remote candidates', add('a=remote-candidates:1 192.0.2.1 50000')],
  ['a real port', edit('m=audio 9', 'm=audio 50000')],
  ['no fingerprint', AV.offer.replaceAll(new RegExp(FINGERPRINT, 'g'), '')],
  ['a second fingerprint', edit(FINGERPRINT, `$&${OTHER}`)],
  ['another fingerprint in the second section', edit(/(m=video[\s\S]*?)a=fingerprint:.*\r\n/, `$1${OTHER}`)],
  ['another fingerprint at the top', edit('t=0 0\r\n', `t=0 0\r\n${OTHER}`)],
  [
    'a fingerprint of SHA-1',
    AV.offer.replaceAll(new RegExp(FINGERPRINT, 'g'), `a=fingerprint:sha-1 ${Array(20).fill('00').join(':')}\r\n`),
  ],
  [
    'a fingerprint of SHA-1 beside the good one',
    edit(FINGERPRINT, `$&a=fingerprint:sha-1 ${Array(20).fill('00').join(':')}\r\n`),
  ],
  ['a fingerprint that is cut off', edit(/(a=fingerprint:sha-256 .*):[0-9A-F]{2}\r\n/, '$1\r\n')],
  ['a fingerprint of SHA-384 as long as one of SHA-256', AV.offer.replaceAll('sha-256', 'sha-384')],
  ['a fingerprint in lower case', edit(FINGERPRINT, OTHER.replaceAll('00', 'aa'))],
  ['a key in the clear (SDES)', add('a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj')],
  ['media without DTLS', edit('UDP/TLS/RTP/SAVPF', 'RTP/AVP')],
  ['media with SDES', edit('UDP/TLS/RTP/SAVPF', 'RTP/SAVPF')],
  ['a data channel over TCP', edit('UDP/DTLS/SCTP', 'TCP/DTLS/SCTP', DATA.offer)],
  ['a kind of media that is none', edit('m=audio', 'm=message')],
  ['audio with the protocol of data', edit('m=audio 9 UDP/TLS/RTP/SAVPF', 'm=audio 9 UDP/DTLS/SCTP')],
  ['no media', AV.offer.slice(0, AV.offer.indexOf('m='))],
  ['seventeen sections', AV.offer + 'm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n'.repeat(15)],
  ['no ICE user', AV.offer.replaceAll(/a=ice-ufrag.*\r\n/g, '')],
  ['no ICE password', AV.offer.replaceAll(/a=ice-pwd.*\r\n/g, '')],
  ['a short ICE password', edit(/a=ice-pwd:.*\r\n/, 'a=ice-pwd:short\r\n')],
  ['a space in the ICE user', edit(/a=ice-ufrag:.*\r\n/, 'a=ice-ufrag:ab cd\r\n')],
  ['an attribute nobody knows', add('a=x-volly:1')],
  ['an attribute that names an address', add('a=rtcp-mirror:192.0.2.1')],
  ['an attribute of a section at the top', edit('t=0 0\r\n', 't=0 0\r\na=mid:0\r\n')],
  ['a word that has a value', edit('a=rtcp-mux', 'a=rtcp-mux:1')],
  ['a value that is missing', edit(/a=setup:.*\r\n/, 'a=setup\r\n')],
  ['an attribute named like a method of objects', add('a=constructor:1')],
  ['an identity assertion', add('a=identity:eyJpZHAiOnt9fQ==')],
  ['a line of e-mail', edit('t=0 0\r\n', 't=0 0\r\ne=a@b.example\r\n')],
  ['a line of URI', edit('t=0 0\r\n', 't=0 0\r\nu=http://b.example\r\n')],
  ['a line of key', add('k=clear:secret')],
  ['a title in a section', edit('c=IN IP4 0.0.0.0\r\n', 'i=title\r\nc=IN IP4 0.0.0.0\r\n')],
  ['a bandwidth after attributes', add('b=AS:100')],
  ['a bandwidth of words', edit('c=IN IP4 0.0.0.0\r\n', 'c=IN IP4 0.0.0.0\r\nb=AS:many\r\n')],
  ['a line without an equals sign', add('candidate:1 1 udp 1 192.0.2.1 9 typ host')],
  ['more than 65,536 characters', AV.offer + 'a=recvonly\r\n'.repeat(6_000)],
];

describe('SDP of section 8', () => {
  for (const browser of BROWSERS)
    for (const kind of KINDS)
      it(`accepts the offer and answer of ${browser} with ${kind} unchanged`, () => {
        const { offer, answer } = sdpOf(browser, kind);
        checkSdp(offer);
        checkSdp(answer);
        checkAnswerFits(offer, answer);
        assert.equal(withoutCandidates(offer), offer);
      });

  it('accepts bandwidth, IPv6 that means none, a rejected section and longer hashes', () => {
    checkSdp(edit('c=IN IP4 0.0.0.0\r\n', 'c=IN IP6 ::\r\nb=AS:100\r\nb=TIAS:100000\r\n'));
    checkSdp(edit('m=video 9', 'm=video 0'));
    const longer = `a=fingerprint:sha-512 ${Array(64).fill('0F').join(':')}\r\n`;
    checkSdp(AV.offer.replaceAll(new RegExp(FINGERPRINT, 'g'), longer));
  });

  for (const [why, sdp] of MUTATIONS)
    it(`R11 refuses ${why}`, () => {
      assert.throws(() => checkSdp(sdp), code('bad_sdp'));
    });

  it('R11 refuses an answer with other sections than its offer', () => {
    checkAnswerFits(AV.offer, AV.answer);
    assert.throws(() => checkAnswerFits(AV.offer, DATA.answer), code('bad_sdp'));
    assert.throws(() => checkAnswerFits(DATA.offer, AV.answer), code('bad_sdp'));
    const [head, audio, video] = AV.answer.split(/(?=m=)/) as [string, string, string];
    assert.throws(() => checkAnswerFits(AV.offer, head + video + audio), code('bad_sdp'));
    assert.throws(() => checkAnswerFits(AV.offer, head + audio), code('bad_sdp'));
    assert.throws(() => checkAnswerFits(AV.offer, head + audio + audio), code('bad_sdp'));
  });

  it('gives the one fingerprint', () => {
    const { algorithm, value } = fingerprintOf(AV.offer);
    assert.equal(algorithm, 'sha-256');
    assert.match(value, /^(?:[0-9A-F]{2}:){31}[0-9A-F]{2}$/);
    assert(AV.offer.includes(`a=fingerprint:${algorithm} ${value}\r\n`));
  });

  it('takes candidates and addresses out of a description that has gathered some', () => {
    const gathered = AV.offer
      .replaceAll('m=audio 9', 'm=audio 50000')
      .replaceAll('c=IN IP4 0.0.0.0', 'c=IN IP4 192.0.2.1')
      .replaceAll('a=rtcp:9 IN IP4 0.0.0.0', 'a=rtcp:50001 IN IP4 192.0.2.1')
      .replace('IN IP4 127.0.0.1', 'IN IP4 192.0.2.1')
      .replaceAll('a=mid:0\r\n', 'a=mid:0\r\na=candidate:1 1 udp 2113937151 192.0.2.1 50000 typ host\r\na=end-of-candidates\r\n');
    assert.throws(() => checkSdp(gathered), code('bad_sdp'));
    assert.equal(withoutCandidates(gathered), AV.offer);
    assert(withoutCandidates(edit('m=video 9', 'm=video 0')).includes('m=video 0 '));
  });

  it('accepts what werift makes, without the candidates it has gathered', async () => {
    const [caller, callee] = [new RTCPeerConnection({}), new RTCPeerConnection({})];
    try {
      caller.createDataChannel('data');
      caller.addTransceiver('audio');
      caller.addTransceiver('video');
      await caller.setLocalDescription(await caller.createOffer());
      await callee.setRemoteDescription(caller.localDescription as NonNullable<typeof caller.localDescription>);
      await callee.setLocalDescription(await callee.createAnswer());
      const [offer, answer] = [caller, callee].map(({ localDescription }) => localDescription?.sdp ?? '') as [string, string];
      assert.match(offer, /a=candidate/);
      assert.throws(() => checkSdp(offer), code('bad_sdp'));
      checkSdp(withoutCandidates(offer));
      checkSdp(withoutCandidates(answer));
      checkAnswerFits(withoutCandidates(offer), withoutCandidates(answer));
      for (const [line] of offer.matchAll(/candidate:.*(?=\r\n)/g))
        checkCandidate({ candidate: line, sdpMid: '0', sdpMLineIndex: 0, ufrag: '' });
    } finally {
      await Promise.all([caller.close(), callee.close()]);
    }
  });
});

const HOST = 'candidate:1 1 udp 2113937151 192.0.2.1 50000 typ host generation 0 ufrag iApc network-cost 999';
const candidate = (line: string) => ({ candidate: line, sdpMid: '0', sdpMLineIndex: 0, ufrag: '' });

describe('Candidates of section 8', () => {
  it('accepts what browsers report, and the end of candidates', () => {
    // The event after the last candidate has none.
    for (const browser of BROWSERS)
      for (const kind of KINDS)
        for (const one of sdpOf(browser, kind).candidates)
          if (one) checkCandidate({ ...one, sdpMLineIndex: one.sdpMLineIndex ?? 0, ufrag: one.usernameFragment ?? '' });
    checkCandidate(candidate(''));
    checkCandidate(
      candidate('candidate:842163049 1 udp 1677729535 203.0.113.9 50000 typ srflx raddr 0.0.0.0 rport 0 generation 0'),
    );
    checkCandidate(candidate('candidate:1 2 TCP 2105458942 fd00::2 9 typ host tcptype active'));
    checkCandidate(candidate('candidate:1 1 UDP 1 ::ffff:192.0.2.1 1 typ relay raddr 192.0.2.1 rport 2'));
  });

  for (const [why, line] of [
    ['a line break', `${HOST}\r\na=ice-lite`],
    ['a line break at the end', `${HOST}\n`],
    ['the prefix of an SDP line', `a=${HOST}`],
    ['a host name that would be resolved', HOST.replace('192.0.2.1', 'tracker.example')],
    ['a host name below a local one', HOST.replace('192.0.2.1', 'a.b.local')],
    ['an address that is none', HOST.replace('192.0.2.1', '192.0.2.256')],
    ['an IPv6 address that is none', HOST.replace('192.0.2.1', '1:2:3:4:5:6:7:8:9')],
    ['a related address that is none', HOST.replace('host', 'srflx raddr ::1:: rport 0')],
    ['a port past 65535', HOST.replace('50000', '65536')],
    ['a type nobody knows', HOST.replace('host', 'magic')],
    ['no type', HOST.replace(/ typ.*/, '')],
    ['a related address without a port', HOST.replace('host', 'srflx raddr 192.0.2.1')],
    ['a name without a value', `${HOST} tcptype`],
    ['two spaces', HOST.replace(' udp', '  udp')],
    ['another transport', HOST.replace('udp', 'sctp')],
    ['a control character', HOST.replace('generation', 'gener\0ation')],
    ['more than 512 characters', `${HOST} x ${'a'.repeat(256)} y ${'a'.repeat(256)}`],
  ] as const)
    it(`R11 refuses a candidate with ${why}`, () => {
      checkCandidate(candidate(HOST));
      assert.throws(() => checkCandidate(candidate(line)), code('bad_candidate'));
    });

  it('refuses a mid, an index and a user outside their grammar', () => {
    for (const wrong of [{ sdpMid: 'a b' }, { sdpMid: 'a\r' }, { sdpMLineIndex: 16 }, { ufrag: 'abc' }, { ufrag: 'ab:cd' }])
      assert.throws(() => checkCandidate({ ...candidate(HOST), ...wrong }), code('bad_candidate'));
  });
});
