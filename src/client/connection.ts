/** The device's connection to its gateway, PROTOCOL.md section 14. */
import type { ConnectionOptions, GatewayConnection } from './connection-types.ts';

/** Body follows; the interface in connection-types.ts is what to build on. */
export function openGateway(_options: ConnectionOptions): GatewayConnection {
  throw new TypeError('not written yet');
}
