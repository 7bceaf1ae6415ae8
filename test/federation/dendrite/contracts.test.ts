/** The contracts of receiver and carrier on a real Dendrite, with a Synapse as the other community. */
import { receiverContract } from '../../matrix/receiver-contract.ts';
import { carrierSuite } from '../carrier-suite.ts';
import { receiverWorld } from '../receiver-world.ts';

receiverContract('Dendrite, messages from Synapse', () => receiverWorld({ orchid: 'dendrite' }));
carrierSuite('to-device carrier from Dendrite to Synapse', { orchid: 'dendrite' });
carrierSuite('to-device carrier from Synapse to Dendrite', { iris: 'dendrite' });
