/**
 * `node test/vectors/generate.ts` writes volly-pq-1.json, `--check` exits 1 when the file is not what it would write. PROTOCOL.md
 * section 17. Each part is a function of its own file; the order here is the order in the file.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { safetyNumber } from '../../src/protocol/trust.ts';
import { callVectors } from './call.ts';
import { json, NOW, provider } from './fixed.ts';
import { gatewayVectors } from './gateway.ts';
import { mustFail } from './must-fail.ts';
import { alice, bob, carol, describePerson } from './people.ts';
import { presenceVectors } from './presence.ts';

const ABOUT =
  'Bytes are hexadecimal, in envelopes base64url. Every secret is SHAKE256("volly-pq-1 vectors/" + label); an eseed is the randomness of ' +
  'one X-Wing encapsulation (m, then the ephemeral X25519 key); ML-DSA signs in its deterministic variant. All times are `now` unless said. ' +
  'A must-fail envelope is the good one of its kind with `input` laid over it, null = left out.';

const call = await callVectors();
const vectors = {
  suite: 'volly-pq-1',
  about: ABOUT,
  now: NOW,
  members: { alice: describePerson(alice), bob: describePerson(bob), carol: describePerson(carol, true) },
  safety_number: {
    members: ['alice', 'bob'],
    number: safetyNumber(provider, { member: alice.member, uik: alice.root }, { member: bob.member, uik: bob.root }),
  },
  call,
  presence: await presenceVectors(),
  gateway: await gatewayVectors(),
  must_fail: mustFail(call),
};

const file = new URL('volly-pq-1.json', import.meta.url);
const text = json(vectors);
if (!process.argv.includes('--check')) writeFileSync(file, text);
else if (readFileSync(file, 'utf8') !== text) {
  console.error('test/vectors/volly-pq-1.json is not what test/vectors/generate.ts writes: run it, or find out what changed');
  process.exitCode = 1;
}
