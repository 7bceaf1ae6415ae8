/** Loaded into a bridge whose memory is measured: SIGUSR2 makes it collect its garbage, so that what is measured is what it keeps. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
process.on('SIGUSR2', () => collect());
