/** All checks, put together: which needs which, and in which order they are told. */
import type { ServerName } from '../../ids.ts';
import { type Check, runChecks } from './check.ts';
import { asTokenCheck, bridgeUserCheck, serverNameCheck } from './checks/appservice.ts';
import { bridgeCheck, databaseCheck, peersCheck, portsCheck } from './checks/bridge.ts';
import { federationCheck, peerCheck } from './checks/federation.ts';
import { gatewayCheck } from './checks/gateway.ts';
import { clockCheck, homeserverCheck, softwareCheck } from './checks/homeserver.ts';
import { configCheck, nodeCheck, storageCheck } from './checks/machine.ts';
import { peerBridgeCheck } from './checks/peer-bridge.ts';
import { permissionsCheck } from './checks/permissions.ts';
import { pingCheck } from './checks/ping.ts';
import { receivingCheck } from './checks/receiving.ts';
import { registrationCheck } from './checks/registration.ts';
import { keyCheck, tlsCheck } from './checks/secrets.ts';
import { turnCheck } from './checks/turn.ts';
import type { Finding } from './finding.ts';
import type { DoctorOptions, DoctorPorts } from './ports.ts';

/** One finding for each check, in the order of docs/DOCTOR.md. Never throws. */
export function runDoctor({ ports, peers = [], ...options }: DoctorOptions): AsyncIterable<Finding> {
  return runChecks(checksOf(ports, peers), options);
}

function checksOf(ports: DoctorPorts, peers: readonly ServerName[]): readonly Check[] {
  const config = configCheck(ports);
  const storage = storageCheck(config);
  const registration = registrationCheck(config);
  const key = keyCheck(ports, config);
  const tls = tlsCheck(config);
  const bridge = bridgeCheck(ports, config);
  const listeners = portsCheck(config, bridge);
  const homeserver = homeserverCheck(ports, config);
  const software = softwareCheck(homeserver);
  const account = asTokenCheck(config, registration, homeserver);
  const serverName = serverNameCheck(config, account);
  const bridgeUser = bridgeUserCheck(config, account, serverName, bridge);
  return [
    nodeCheck(ports),
    config,
    storage,
    permissionsCheck(ports, config),
    registration,
    key,
    tls,
    databaseCheck(ports, config, storage),
    bridge,
    listeners,
    homeserver,
    software,
    clockCheck(homeserver),
    account,
    serverName,
    bridgeUser,
    pingCheck(config, registration, account, bridge, listeners),
    receivingCheck(ports, config, account, bridgeUser, bridge, software),
    peersCheck(bridge),
    federationCheck(config, serverName),
    ...peers.flatMap((peer) => {
      const reached = peerCheck(ports, peer, config, account, bridgeUser);
      return [reached, peerBridgeCheck(ports, peer, config, account, reached, bridge)];
    }),
    turnCheck(account, bridgeUser),
    gatewayCheck(ports, config, key, tls, bridge),
  ];
}
