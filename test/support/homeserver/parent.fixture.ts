/** Starts a Synapse in the folder named, prints its address, and stays: a parent to be killed. */
import { createAuthority } from './certificates.ts';
import { startSynapse } from './synapse.ts';

const synapse = await startSynapse({ name: 'bound', dir: process.argv[2]!, authority: createAuthority() });
console.log(synapse.clientUrl);
setInterval(() => {}, 60_000);
