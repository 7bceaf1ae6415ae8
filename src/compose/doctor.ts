/** `volly-bridge doctor`, with the real database, keys and gateway handshake. */
import { systemRandom as random } from '../clock.ts';
import { compositePublicKey } from '../crypto/composite.ts';
import { sha256 } from '../crypto/hash.ts';
import type { Provider } from '../crypto/primitives.ts';
import { selectProvider } from '../crypto/select.ts';
import { codeOf } from '../errors.ts';
import { seedIn } from '../gateway/community-key.ts';
import { askBridge } from '../ops/admin/client.ts';
import { peerWake } from '../ops/admin/operations/peers.ts';
import { askStatus } from '../ops/ask-status.ts';
import { runDoctor } from '../ops/doctor/doctor.ts';
import type { Finding } from '../ops/doctor/finding.ts';
import type { DoctorOptions, DoctorPorts, GatewayHello } from '../ops/doctor/ports.ts';
import { greet, type Pin, readServerHello } from '../protocol/handshake-client.ts';
import { gatewayUrl } from '../protocol/invite.ts';
import { createPolicy } from '../routing/policy.ts';
import { isClaimed } from '../storage/sqlite/claim.ts';
import { inspectDatabase } from '../storage/sqlite/inspect.ts';
import { policyOf } from './policy.ts';

/** A homeserver that is busy answers in two or three seconds. */
const ANSWER_MS = 8_000;

export interface ExamineOptions extends Omit<DoctorOptions, 'ports'> {
  readonly configFile: string;
  /** Of the installed program. */
  readonly version: string;
}

/** One finding a check, in a fixed order, each as soon as it and those before it are there. Never throws. */
export const examine = ({ configFile, version, ...options }: ExamineOptions): AsyncIterable<Finding> =>
  runDoctor({ ports: doctorPorts({ configFile, version }), ...options });

export function doctorPorts({ configFile, version }: Pick<ExamineOptions, 'configFile' | 'version'>): DoctorPorts {
  const provider = selectProvider();
  return {
    version,
    node: process.versions.node,
    configFile,
    answerMs: ANSWER_MS,
    returnMs: ANSWER_MS,
    askStatus: ({ admin }) => askStatus(admin),
    wakePeer: async ({ admin }, server) => ((await askBridge(admin, peerWake, { server })) as { answered: boolean }).answered,
    inspectDatabase,
    isHeld: isClaimed,
    communityKeyHash(text) {
      const seed = seedIn(text);
      return seed && sha256(compositePublicKey(provider, seed));
    },
    mayTalk: (config, peer) => createPolicy(policyOf(config))(peer),
    gatewayUrl,
    greetGateway: (server, communityKeyHash) => greetGateway(provider, { server, communityKeyHash }),
  };
}

/** The first half of an app's handshake: the gateway shows who it is before it asks who comes. */
function greetGateway(provider: Provider, pin: Pin): GatewayHello {
  const greeting = greet(provider, random);
  return {
    message: greeting.message,
    async read(answer) {
      try {
        await readServerHello(provider, greeting, answer, pin);
        return 'ours';
      } catch (error) {
        return codeOf(error) === 'wrong_community' ? 'other' : 'none';
      }
    },
  };
}
