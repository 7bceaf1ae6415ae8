/** The SDK's own gateway connection, with each envelope written down before it goes and before it is settled. */
import { openGateway } from '../../../src/client/connection.ts';
import type { ConnectionOptions, GatewayConnection } from '../../../src/client/connection-types.ts';
import { codeOf } from '../../../src/errors.ts';
import type { CallId, DeviceAddress } from '../../../src/ids.ts';
import type { Envelope } from '../../../src/protocol/envelope.ts';
import { readHeader } from '../../../src/protocol/header.ts';
import type { AppEvent, LogWriter } from '../log.ts';

export interface LoggedGateway {
  readonly open: (options: ConnectionOptions) => GatewayConnection;
  /** Of the connection that is there, or was last: no two of an app have the same. */
  readonly conn: () => number;
  /** An offer's end, until its call has rung. */
  readonly offerEnds: Map<CallId, number>;
}

export type Write = (event: AppEvent) => Promise<void>;

export const writerOf =
  (log: LogWriter, app: DeviceAddress | string): Write =>
  (event) =>
    log.write({ ...event, app });

export function loggedGateway(write: Write): LoggedGateway {
  let conn = Date.now();
  const offerEnds = new Map<CallId, number>();

  const onEnvelope = async (envelope: Envelope, on: number, open: () => Promise<void>): Promise<void> => {
    const { id, type, from, expires } = envelope;
    const call = callOf(envelope);
    if (envelope.type === 'app.volly.undeliverable') await write({ k: 'told', id: envelope.envelope, reason: envelope.reason });
    else await write({ k: 'got', id, type, from, conn: on, expires, ...call });
    if (type === 'app.volly.call.offer' && call.call) offerEnds.set(call.call, expires);
    try {
      await open();
    } catch (error) {
      await write({ k: 'kept', id, code: codeOf(error) ?? 'bug' });
      throw error;
    }
    await write({ k: 'settled', id });
  };

  const open = (options: ConnectionOptions): GatewayConnection => {
    const connection = openGateway({
      ...options,
      onEnvelope: (envelope, taken) =>
        onEnvelope(envelope, conn, () => {
          // A hang-up that came before its offer: the app has it now.
          const late = () => void write({ k: 'settled', id: envelope.id }).then(taken);
          return options.onEnvelope(envelope, late);
        }),
      // Behind the envelopes before it, which wait for their lines.
      onCaughtUp: () => {
        const on = conn;
        void write({ k: 'caught-up', conn: on }).then(() => {
          if (on === conn && connection.state.kind === 'online') options.onCaughtUp?.();
        });
      },
      onState: (state) => {
        if (state.kind === 'online') void write({ k: 'online', conn: ++conn });
        else if (state.kind !== 'connecting') void write({ k: 'offline' });
        options.onState?.(state);
      },
    });
    const send = connection.sendEnvelope.bind(connection);
    connection.sendEnvelope = async (envelope) => {
      const { id, type, to, expires } = envelope;
      await write({ k: 'send', id, type, to, expires, ...callOf(envelope) });
      try {
        await send(envelope);
      } catch (error) {
        await write({ k: 'refused', id, code: codeOf(error) ?? 'bug' });
        throw error;
      }
      await write({ k: 'taken', id });
    };
    return connection;
  };
  return { open, conn: () => conn, offerEnds };
}

function callOf(envelope: Envelope): { readonly call?: CallId } {
  if (!('header' in envelope) || !envelope.type.startsWith('app.volly.call.')) return {};
  try {
    return { call: readHeader(envelope).header.callId };
  } catch {
    return {};
  }
}
