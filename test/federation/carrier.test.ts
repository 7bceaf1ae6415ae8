import { carrierSuite } from './carrier-suite.ts';

carrierSuite('to-device carrier between two Synapses');
