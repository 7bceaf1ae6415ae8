/** The AsyncAPI 3.0 document of the gateway, docs/asyncapi.yaml: channels, messages and operations, from the descriptions beside this file. */
import { stringify } from 'yaml';
import { ERRORS } from '../../src/errors.ts';
import { LIMITS } from '../../src/limits.ts';
import { GATEWAY_PATH } from '../../src/protocol/invite.ts';
import { envelopes } from './envelopes.ts';
import { frames, type Message } from './frames.ts';
import { handshake } from './handshake.ts';
import { legacy } from './legacy.ts';

const LEGACY_PATH = '/volly/legacy';
const size = LIMITS.frameBytes.toLocaleString('en');

const ABOUT = `What a Volly app and its community's gateway say to each other over WebSockets. docs/PROTOCOL.md is normative (sections 14 and 16); this
document is generated from the code and checked in its tests against what really passes between the SDK and the gateway. A socket is closed with the
codes of \`x-close-codes\`; 4400 also stands for errors without one of their own; the reason of the close is the error's code (docs/ERRORS.md).

Operations are the gateway's: \`receive\` is what it takes from apps, \`send\` what apps hear. An app that uses the SDK needs none of this.`;

const GATEWAY = `Binary messages of at most ${size} bytes, each one item of canonical CBOR (PROTOCOL.md section 3.1) or a record.

1. The app sends \`clientHello\`, the gateway answers \`serverHello\`, both plain. From then on every message is a **record**: ChaCha20-Poly1305 under
   its sender's key (section 14.5).
2. The plaintext of each side's first record is one message: \`proof\` or \`resumedProof\`, then \`finished\` (or \`error\`). The handshake lasts at most
   ${LIMITS.handshakeMs / 1_000} s.
3. The plaintext of every further record is an array of 1 to ${LIMITS.framesPerRecord} frames: the messages with the tag \`frame\`, the schema \`record\`. At most
   ${LIMITS.unackedFrames} numbered frames are unsettled in each direction.

Payloads are described by the JSON of CBOR (RFC 8949 section 6.1): a byte string is its base64url without padding, \`x-bytes\` is its size.
An upgrade may be refused with HTTP 429 (this address), 503 (the gateway is full or stops), 404 (another path).`;

const LEGACY = `JSON text messages of at most ${size} bytes, for apps that speak plain offers and answers. The bridge seals for them: their calls are not end to
end encrypted. Only where the operator has switched it on. There is no call id: a socket has one call per peer. An upgrade may be refused with HTTP 401
(the credential), 429, 503, 404 (switched off).`;

const CBOR = 'application/cbor';

function channelMessage({ name, summary, payload, example }: Message, contentType: string, tag?: string) {
  return {
    name,
    summary,
    contentType,
    ...(tag && { tags: [{ name: tag }] }),
    payload,
    ...(example !== undefined && { examples: [{ payload: example }] }),
  };
}

/** Close code → the errors a socket is closed for with it; their code is the close's reason. */
function closeCodes(): Record<string, string[]> {
  const closing = Object.entries(ERRORS).filter(([, { close }]) => close !== undefined);
  const byClose = Map.groupBy(closing, ([, { close }]) => String(close));
  return Object.fromEntries([...byClose].map(([close, entries]) => [close, entries.map(([code]) => code)]));
}

const named = (messages: readonly Message[], contentType: string, tag?: string) =>
  Object.fromEntries(messages.map((message) => [message.name, channelMessage(message, contentType, tag)]));

const refs = (channel: string, messages: readonly Message[]) =>
  messages.map(({ name }) => ({ $ref: `#/channels/${channel}/messages/${name}` }));

const by = (way: 'app' | 'gateway', messages: readonly Message[]) =>
  messages.filter((message) => message.way === way || message.way === 'both');

function operation(channel: string, action: 'send' | 'receive', summary: string, messages: readonly Message[]) {
  return { action, channel: { $ref: `#/channels/${channel}` }, summary, messages: refs(channel, messages) };
}

const greeting = (...names: readonly string[]) => handshake.filter(({ name }) => names.includes(name));

const reply = (...names: readonly string[]) => ({
  reply: { channel: { $ref: '#/channels/gateway' }, messages: refs('gateway', greeting(...names)) },
});

const credential = { security: [{ $ref: '#/components/securitySchemes/credential' }] };

const webSocket = { ws: { method: 'GET', bindingVersion: '0.1.0' } };

export const asyncApi = () => ({
  asyncapi: '3.0.0',
  id: 'urn:volly:gateway:volly-gw-1',
  info: { title: 'Volly gateway', version: 'volly-pq-1', description: ABOUT, license: { name: 'Apache-2.0' } },
  servers: {
    community: {
      host: 'volly.orchid.example',
      protocol: 'wss',
      description:
        'The gateway of a community, where its invites say: `gateway.public_url` of its configuration. A path before the channel’s belongs to it.',
    },
  },
  channels: {
    gateway: {
      address: GATEWAY_PATH,
      title: 'Apps with keys of their own',
      description: GATEWAY,
      bindings: webSocket,
      messages: { ...named(handshake, CBOR, 'handshake'), ...named(frames, CBOR, 'frame') },
    },
    legacy: {
      address: LEGACY_PATH,
      title: 'Legacy apps',
      description: LEGACY,
      bindings: webSocket,
      messages: named(legacy, 'application/json'),
    },
  },
  operations: {
    greet: {
      ...operation('gateway', 'receive', 'The first message of a connection.', greeting('clientHello')),
      ...reply('serverHello', 'error'),
    },
    prove: {
      ...operation('gateway', 'receive', 'The app’s first record.', greeting('proof', 'resumedProof')),
      ...reply('finished', 'error'),
    },
    appFrames: operation('gateway', 'receive', 'Frames of an app.', by('app', frames)),
    gatewayFrames: operation('gateway', 'send', 'Frames for an app.', by('gateway', frames)),
    legacyToBridge: { ...operation('legacy', 'receive', 'What a legacy app says.', by('app', legacy)), ...credential },
    legacyToApp: { ...operation('legacy', 'send', 'What a legacy app hears.', by('gateway', legacy)), ...credential },
  },
  'x-close-codes': closeCodes(),
  components: {
    securitySchemes: {
      credential: {
        type: 'http',
        scheme: 'bearer',
        description:
          'The member’s credential in the upgrade: `Authorization: Bearer …`, or the subprotocols `volly-legacy` and `bearer.…`. Never in the URL.',
      },
    },
    schemas: {
      record: {
        description: 'The plaintext of a record after the handshake. A `key_update` is its last frame.',
        type: 'array',
        minItems: 1,
        maxItems: LIMITS.framesPerRecord,
        items: { oneOf: refs('gateway', frames).map(({ $ref }) => ({ $ref: `${$ref}/payload` })) },
      },
      ...envelopes,
    },
  },
});

export const asyncApiYaml = (): string =>
  `# Generated by docs/asyncapi/generate.ts: change that and src/protocol/, not this.\n${stringify(asyncApi(), { lineWidth: 140, aliasDuplicateObjects: false, blockQuote: 'literal' })}`;
