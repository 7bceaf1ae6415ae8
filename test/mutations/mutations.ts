/**
 * For each requirement R1–R14 of docs/THREAT-MODEL.md, changes of one line that take its defence away. `run.ts` shows that the tests
 * of that requirement notice each one: a test that stays green without the defence holds nothing.
 *
 * A record names its line by text, not by number, so that it survives edits around it. `find` stands exactly once in the file;
 * `mutations.test.ts` fails when an edit moved or doubled it, and whoever made the edit mends the record in the same commit.
 * Both `find` and `replace` lie within one line; an empty `replace` takes the statement out.
 */
export interface Mutation {
  /** `R7` */
  readonly requirement: string;
  /** From the top of the repository. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** What an attacker gains by it. */
  readonly why: string;
}

export const REQUIREMENTS: readonly string[] = Array.from({ length: 14 }, (_, i) => `R${i + 1}`);

export const MUTATIONS: readonly Mutation[] = [
  {
    requirement: 'R1',
    file: 'src/client/ringing.ts',
    find: 'await runner.perform(begin.effects);',
    replace:
      "await runner.perform([...begin.effects, { kind: 'send', device: link.device, callId: offer.callId, message: { type: 'answer' } }], offer);",
    why: 'a device answers by itself as soon as it rings',
  },
  {
    requirement: 'R2',
    file: 'src/protocol/call-receive.ts',
    find: 'if (!leg || !MAY_RECEIVE[state.role][state.phase].includes(message.type))',
    replace: 'if (!leg)',
    why: 'any message counts in any phase',
  },
  {
    requirement: 'R2',
    file: 'src/protocol/call-state.ts',
    find: "ringing: ['hangup'],",
    replace: "ringing: ['select_answer', 'hangup'],",
    why: 'a caller makes a call active that nobody accepted',
  },
  {
    requirement: 'R2',
    file: 'src/protocol/session-receive.ts',
    find: "if (rules.by && rules.by === session.role) throw new VollyError('forbidden_in_state', name);",
    replace: '',
    why: 'a peer says what only the other role may say',
  },
  {
    requirement: 'R3',
    file: 'src/protocol/check.ts',
    find: 'if (!entry || !equal(entry.dikHash, identity.dikHash))',
    replace: 'if (!entry)',
    why: 'a device is believed by its name, whatever its key',
  },
  {
    requirement: 'R3',
    file: 'src/ids.ts',
    find: 'const DEVICE = /^[A-Z0-9]{1,16}$/;',
    replace: 'const DEVICE = /^[A-Za-z0-9_-]+$/;',
    why: 'the spelling of a key is a device id',
  },
  {
    requirement: 'R4',
    file: 'src/protocol/header.ts',
    find: "if (asText(fields[1], 'type') !== type) throw new VollyError('wrong_type', 'envelope and header differ');",
    replace: '',
    why: 'a homeserver makes one event type out of another',
  },
  {
    requirement: 'R4',
    file: 'src/protocol/session-receive.ts',
    find: "if (direction !== (session.role === 'caller' ? 1 : 0)) throw new VollyError('wrong_type', 'direction');",
    replace: '',
    why: 'a message of one direction is looked at in the other',
  },
  {
    requirement: 'R4',
    file: 'src/routing/inbox.ts',
    find: "if (result === 'duplicate') return result;",
    replace: '',
    why: 'an envelope that comes by two carriers is handled twice',
  },
  {
    requirement: 'R5',
    file: 'src/protocol/requests.ts',
    find: 'const asked = requests.get(request);',
    replace: 'const asked = requests.get(request) ?? [...requests.values()][0];',
    why: 'a bundle counts without the request’s unguessable id',
  },
  {
    requirement: 'R5',
    file: 'src/protocol/requests.ts',
    find: 'return { requests: next, answered: toAnswered(request, { ...asked, bundles }, true) };',
    replace: 'return { requests, answered: toAnswered(request, { ...asked, bundles }, true) };',
    why: 'a request stays open for a second answer',
  },
  {
    requirement: 'R5',
    file: 'src/protocol/requests.ts',
    find: "if (!asked || now > asked.until) throw new VollyError('forbidden_in_state', 'a bundle nobody asked for');",
    replace: "if (!asked) throw new VollyError('forbidden_in_state', 'a bundle nobody asked for');",
    why: 'a bundle counts long after it was asked for',
  },
  {
    requirement: 'R6',
    file: 'src/protocol/check.ts',
    find: 'checkEntry(identity, from.device, now);',
    replace: '',
    why: 'a device passes for another one of its list',
  },
  {
    requirement: 'R6',
    file: 'src/protocol/check.ts',
    find: "if (identity.member !== from.member) throw new VollyError('wrong_sender', 'an identity of another member');",
    replace: '',
    why: 'a member passes for another one',
  },
  {
    requirement: 'R6',
    file: 'src/protocol/check.ts',
    find: 'checkPin(known, identity);',
    replace: '',
    why: 'a contact’s identity changes without a word',
  },
  {
    requirement: 'R7',
    file: 'src/protocol/bundle.ts',
    find: 'checkSignedList(provider, identity, now, options.verified);',
    replace: '',
    why: 'a bridge adds a device to a member’s list',
  },
  {
    requirement: 'R7',
    file: 'src/protocol/bundle.ts',
    find: 'checkEntry(identity, prekey.device, now);',
    replace: '',
    why: 'a device beside a true list gets the offer',
  },
  {
    requirement: 'R8',
    file: 'src/crypto/key-checks.ts',
    find: 'key.length === SIZES.x25519.publicKey && !LOW_ORDER_U.has(coordinate(key));',
    replace: 'key.length === SIZES.x25519.publicKey;',
    why: 'a point of low order makes the classical secret a constant',
  },
  {
    requirement: 'R8',
    file: 'src/crypto/key-checks.ts',
    find: 'if (even >= Q || odd >= Q) return false;',
    replace: 'if (even > Q || odd > Q) return false;',
    why: 'an encapsulation key out of range is used',
  },
  {
    requirement: 'R8',
    file: 'src/crypto/key-checks.ts',
    find: 'return y < P && !SMALL_ORDER_Y.has(y);',
    replace: 'return y < P;',
    why: 'a key of small order has signed anything',
  },
  {
    requirement: 'R8',
    file: 'src/protocol/list.ts',
    find: 'checkCompositePublicKey(list.uik);',
    replace: '',
    why: 'an identity key of small order is parsed without a look',
  },
  {
    requirement: 'R8',
    file: 'src/protocol/prekey.ts',
    find: 'checkXwingPublicKey(prekey.spk);',
    replace: '',
    why: 'a malformed prekey is parsed without a look',
  },
  {
    requirement: 'R9',
    file: 'src/protocol/requests.ts',
    find: "if (envelope.from !== asked.member) throw new VollyError('wrong_sender', 'a bundle of another member');",
    replace: '',
    why: 'another server answers a query',
  },
  {
    requirement: 'R9',
    file: 'src/protocol/bundle.ts',
    find: 'if (identity.member !== member || prekey.member !== member)',
    replace: 'if (prekey.member !== identity.member)',
    why: 'a bundle of somebody else is taken for the member asked for',
  },
  {
    requirement: 'R10',
    file: 'src/routing/router.ts',
    find: 'if (serverOfAddress(envelope.from) !== origin || origin === own)',
    replace: 'if (origin === own)',
    why: 'a community speaks for another',
  },
  {
    requirement: 'R10',
    file: 'src/matrix/inbound.ts',
    find: "if (typeof sender !== 'string' || !sender.startsWith(PREFIX)) return undefined;",
    replace: "if (typeof sender !== 'string') return undefined;",
    why: 'any Matrix user speaks for its server',
  },
  {
    requirement: 'R10',
    file: 'src/matrix/release.ts',
    find: 'if (arrivals.some(({ server }) => server !== source))',
    replace: 'if (arrivals.length === 0)',
    why: 'what waits in the quarantine speaks for another community once it is released',
  },
  {
    requirement: 'R10',
    file: 'src/storage/memory/outbox.ts',
    find: 'if (row?.peer !== peer) return false;',
    replace: 'if (!row) return false;',
    why: 'a community acknowledges what went to another',
  },
  {
    requirement: 'R11',
    file: 'src/protocol/sdp.ts',
    find: String.raw`if (!/^(?:[ -~]+\r\n)+$/.test(sdp)) bad('lines');`,
    replace: '',
    why: 'a lone CR or LF smuggles a line in',
  },
  {
    requirement: 'R11',
    file: 'src/protocol/sdp.ts',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the text of a line
    find: 'if (!ATTRIBUTES[level].has(name)) bad(`${level} attribute`);',
    replace: '',
    why: 'candidates and attributes nobody knows travel in an SDP',
  },
  {
    requirement: 'R11',
    file: 'src/protocol/sdp.ts',
    find: 'if (fingerprint === undefined || others.length > 0)',
    replace: 'if (fingerprint === undefined)',
    why: 'a second fingerprint lets a second certificate in',
  },
  {
    requirement: 'R11',
    file: 'src/protocol/sdp.ts',
    find: 'if (offered.length !== answered.length || offered.some((kind, i) => kind !== answered[i]))',
    replace: 'if (offered.length !== answered.length)',
    why: 'an answer has other sections than its offer',
  },
  {
    requirement: 'R11',
    file: 'src/protocol/candidate.ts',
    find: "(candidate === '' || isLine(candidate)) &&",
    replace: '',
    why: 'anything passes for a candidate',
  },
  {
    requirement: 'R12',
    file: 'src/protocol/bundle.ts',
    find: "if (!prekey.suites.includes(SUITE)) throw new VollyError('unknown_suite', 'prekey');",
    replace: '',
    why: 'a device without the suite is called all the same',
  },
  {
    requirement: 'R12',
    file: 'src/protocol/header.ts',
    find: "if (asText(fields[0], 'suite') !== SUITE) throw new VollyError('unknown_suite', 'header');",
    replace: '',
    why: 'an offer under another suite is opened',
  },
  {
    requirement: 'R13',
    file: 'src/crypto/hpke.ts',
    find: 'return { psk, pskId };',
    replace: 'return { psk, pskId: psk };',
    why: 'an answer opens for another offer with the same secret',
  },
  {
    requirement: 'R13',
    file: 'src/crypto/hpke.ts',
    find: 'return { psk, pskId };',
    replace: 'return { psk: new Uint8Array(32).fill(1), pskId };',
    why: 'an answer opens without the secret of its offer',
  },
  {
    requirement: 'R13',
    file: 'src/protocol/opening.ts',
    find: 'const prekey = device.prekeys.find((one) => equal(one.hash, to.prekeyHash));',
    replace: 'const prekey = device.prekeys[0];',
    why: 'an offer to another prekey is tried with the own',
  },
  {
    requirement: 'R13',
    file: 'src/protocol/answer.ts',
    find: "if (callId !== session.callId) throw new VollyError('unknown_call');",
    replace: '',
    why: 'an answer of another call is looked at',
  },
  {
    requirement: 'R14',
    file: 'src/protocol/replay.ts',
    find: 'if (this.#entries.get(keys.enc) || this.#calls.has(keys.call))',
    replace: 'if (this.#entries.get(keys.enc))',
    why: 'a call rings again under a new key',
  },
  {
    requirement: 'R14',
    file: 'src/protocol/replay.ts',
    find: "if (sentTs <= this.#watermark) throw new VollyError('replayed', 'at or before the watermark');",
    replace: '',
    why: 'an old offer rings again when the clock went back',
  },
  {
    requirement: 'R14',
    file: 'src/protocol/replay.ts',
    find: 'for (const entry of snapshot?.entries ?? []) this.#add(entry);',
    replace: '',
    why: 'an offer rings again after a restart',
  },
  {
    requirement: 'R14',
    file: 'src/protocol/replay.ts',
    find: "if (newest && keys.sentTs <= newest.sentTs) throw new VollyError('replayed');",
    replace: '',
    why: 'an old subscription or grant counts again',
  },
  {
    requirement: 'R14',
    file: 'src/client/guard.ts',
    find: 'await writeRecord(this.#store, this.#name, snapshotToCbor(this.#cache.snapshot()));',
    replace: '',
    why: 'an offer rings before it is remembered on disk',
  },
  {
    requirement: 'R14',
    file: 'src/client/guard.ts',
    find: 'this.#cache.record(keys, this.#options.now());',
    replace: '',
    why: 'an offer is not remembered when it rings',
  },
];
