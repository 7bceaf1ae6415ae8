/** Subscribe, grant and two updates, from Alice to Bob and back. */
import { hkdfSha256 } from '../../src/crypto/hash.ts';
import { utf8 } from '../../src/bytes.ts';
import { checkBundle } from '../../src/protocol/bundle.ts';
import { envelopeToJson } from '../../src/protocol/envelope.ts';
import { sealGrant, sealSubscribe } from '../../src/protocol/presence.ts';
import { sealUpdate, startPresence } from '../../src/protocol/presence-update.ts';
import { eseedOf, NOW, provider, randomOf } from './fixed.ts';
import { alice, bob } from './people.ts';

export async function presenceVectors() {
  const toBob = checkBundle(provider, bob.bundle, { member: bob.member, known: {}, now: NOW });
  const toAlice = checkBundle(provider, alice.bundle, { member: alice.member, known: {}, now: NOW });
  const subscribe = await sealSubscribe(provider, randomOf('subscribe'), {
    ...{ device: alice.local, peer: toBob, now: NOW, identity: alice.identity, eseed: eseedOf('subscribe') },
  });
  const { envelope, grant } = await sealGrant(provider, randomOf('grant'), {
    ...{ device: bob.local, peer: toAlice, now: NOW, identity: bob.identity, eseed: eseedOf('grant'), number: 1 },
  });
  const first = startPresence(randomOf('presence'), grant, NOW);
  const one = sealUpdate(provider, randomOf('update 0'), first, { state: 'online', now: NOW, lifetime: 120_000 });
  const two = sealUpdate(provider, randomOf('update 1'), one.sender, { state: 'busy', now: NOW + 1, lifetime: 120_000 });
  const info = utf8('volly/1/presence/session');
  return {
    subscribe: { eseed: eseedOf('subscribe'), envelope: envelopeToJson(subscribe) },
    grant: { eseed: eseedOf('grant'), grant_no: 1, key: grant.key, envelope: envelopeToJson(envelope) },
    session: { salt: first.salt, started: NOW, key: hkdfSha256({ ikm: grant.key, salt: first.salt, info, length: 44 }) },
    updates: [
      { state: 'online', envelope: envelopeToJson(one.envelope) },
      { state: 'busy', envelope: envelopeToJson(two.envelope) },
    ],
  };
}
