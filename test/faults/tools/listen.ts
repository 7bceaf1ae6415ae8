/** Run inside a network namespace: opens a listener on the address given, hands it to whoever started this, and ends. */
import { createServer } from 'node:net';

const server = createServer({ allowHalfOpen: true });
server.listen(0, process.argv[2], () => {
  process.send?.('listening', server);
});
process.once('message', () => process.exit());
