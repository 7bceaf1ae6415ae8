#!/usr/bin/env node
// Plain old JavaScript: this file must run on a Node.js that is too old for everything else, to say so in one line.
var found = process.versions.node.split('.').map(Number);
if (found[0] < 24 || (found[0] === 24 && found[1] < 15)) {
  console.error(`error old_node: This Node.js (${process.version}) is too old. — Install Node.js 24.15 or newer.`);
  process.exit(1);
}
// A signal to read the configuration again, before it is read at all, asks for nothing and must not end the bridge.
if (process.argv.includes('start')) process.on('SIGHUP', () => {});
// In the source tree types are stripped as it runs; what is published was built.
import(/\/src\/bin\.js$/.test(import.meta.url) ? './main.ts' : './main.js')
  .then((main) => main.run(process.argv))
  // At once: all that was to be done is done, and Node's own end would first wait for requests whose sockets are gone, now and then for ever.
  .then(() => process.exit());
