/** The JSON messages of legacy apps, PROTOCOL.md section 16.3. The compiler holds this file to the types of the adapter's frames, the tests to their shapes. */
import type { AppFrame, BridgeFrame } from '../../src/gateway/legacy/frames.ts';
import type { Message } from './frames.ts';
import { ADDRESSES, code, described, object, type Schema } from './schema.ts';

type Type = AppFrame['type'] | BridgeFrame['type'];

const text: Schema = { type: 'string' };
const textOrNull: Schema = { type: ['string', 'null'] };
const ALICE = 'alice@orchid.example';

const candidate: Schema = {
  description:
    'An RTCIceCandidateInit as JSON.stringify(event.candidate) makes it. Null, or an empty `candidate`: there are no more.',
  oneOf: [
    { type: 'null' },
    object(
      { candidate: text },
      { sdpMid: textOrNull, sdpMLineIndex: { type: ['integer', 'null'], minimum: 0 }, usernameFragment: textOrNull },
    ),
  ],
};

interface Words {
  readonly toBridge: string;
  readonly toApp: string;
  readonly fields: Readonly<Record<string, Schema>>;
  readonly example: Readonly<Record<string, unknown>>;
}

const WORDS: { readonly [T in Type]: Words } = {
  offer: {
    toBridge: 'Without a call with the peer: calls it. In an active call: a new description. Else dropped.',
    toApp: 'It rings; in an active call a new description.',
    fields: { sdp: described(text, 'PROTOCOL.md section 8 says what it may hold.') },
    example: { sdp: 'v=0\r\n…' },
  },
  answer: {
    toBridge: 'Accepts what rings; in an active call the answer to the last new description.',
    toApp: 'The peer accepted, or answers a new description.',
    fields: { sdp: text },
    example: { sdp: 'v=0\r\n…' },
  },
  candidate: {
    toBridge: 'One of the app’s ICE candidates.',
    toApp: 'One of the peer’s.',
    fields: { candidate },
    example: { candidate: { candidate: 'candidate:1 1 udp 2122260223 192.0.2.1 50000 typ host', sdpMid: '0', sdpMLineIndex: 0 } },
  },
  hangup: {
    toBridge: 'Ends the call; of what rings it declines. Without a reason: `declined`, or `hangup` in a call.',
    toApp: 'The call is over or did not come about: an error’s code or the peer’s word.',
    fields: { reason: code },
    example: { reason: 'busy' },
  },
};

const name = (type: string, to: string): string => `${type}To${to}`;

export const legacy: readonly Message[] = Object.entries(WORDS).flatMap(([type, { toBridge, toApp, fields, example }]) => {
  const kind = { type: { const: type } };
  const to = { ...kind, to: described(ADDRESSES.member, 'Whom the app speaks to.') };
  const from = { ...kind, from: described(ADDRESSES.member, 'Who speaks to the app.') };
  // Only a hangup to the bridge may go without its word.
  const up = type === 'hangup' ? object(to, fields) : object({ ...to, ...fields });
  return [
    { name: name(type, 'Bridge'), way: 'app', summary: toBridge, payload: up, example: { type, to: ALICE, ...example } },
    {
      name: name(type, 'App'),
      way: 'gateway',
      summary: toApp,
      payload: object({ ...from, ...fields }),
      example: { type, from: ALICE, ...example },
    },
  ] as const;
});
