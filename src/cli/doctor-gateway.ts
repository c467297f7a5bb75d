import type { GatewayStatus } from '../admin/gateway-schemas.ts';
import type { Config } from '../config/config.ts';
import { isLoopback } from '../config/listen-address.ts';
import type { DoctorCase } from './doctor-case.ts';
import { type Finding, isFailed, isOk, isWarned } from './doctor-finding.ts';

/** The gateway that runs on the data directory, or whether one could be started. */
export async function examineGateway(patient: DoctorCase): Promise<readonly Finding[]> {
  const { running, holder, config, dataDir } = patient;
  if (running !== null) return examineRunning(running);
  if (holder !== null) {
    const says = `process ${holder} holds ${dataDir}, but its admin socket is silent`;
    return [isFailed(says, 'It is starting, stopping or stuck; its log says which.')];
  }
  if (config === null) return [isOk('none is running')];
  return [isOk('none is running'), examinePort(config.listen)];
}

function examineRunning(status: GatewayStatus): Finding[] {
  const { ledger, exports } = status;
  const log = 'The log of the gateway says why.';
  const unbooked = ledger.unwritten + ledger.dropped;
  return [
    status.draining
      ? isWarned('it is draining', 'It ends when its last request does.')
      : isOk(
          `answers on ${status.listen} since ${status.started_at}, ${status.in_flight} in flight`,
        ),
    ...(unbooked > 0 ? [isFailed(`${unbooked} requests are not in the books`, log)] : []),
    ...(status.audit.failures > 0
      ? [isWarned(`${status.audit.failures} events of the trail could not be written`, log)]
      : []),
    ...(status.content.failing ? [isWarned('content cannot be kept now', log)] : []),
    ...(status.retention.failing ? [isWarned('old rows cannot be removed', log)] : []),
    ...exports
      .filter(({ failing_since }) => failing_since !== null)
      .map((sink) => {
        const says = `the export ${sink.id} is ${sink.lag_rows} rows behind: ${sink.last_failure}`;
        return isWarned(says, 'The rows wait; look at where they are to go.');
      }),
  ];
}

/** Takes the address for a moment, as "serve" would. */
function examinePort({ hostname, port }: Config['listen']): Finding {
  const address = hostname.includes(':') ? `[${hostname}]:${port}` : `${hostname}:${port}`;
  try {
    Bun.listen({ hostname, port, socket: { data() {} } }).stop(true);
    return isOk(`${address} is free to listen on`);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
    const says = `nothing can listen on ${address} (${code})`;
    const mend =
      code === 'EACCES'
        ? 'Ports below 1024 need CAP_NET_BIND_SERVICE; use a higher one.'
        : 'End what listens there, or change listen.';
    return isFailed(says, mend);
  }
}

/** Who can reach what: the ways into this gateway. */
export async function examineAdminPlane({ config }: DoctorCase): Promise<readonly Finding[]> {
  if (config === null) return [isOk('the socket in the data directory')];
  const { admin, listen } = config;
  return [
    ...(isLoopback(listen.hostname) || listen.tls !== null
      ? []
      : [
          isWarned(
            `keys of callers travel in clear to ${listen.hostname}:${listen.port}`,
            'listen.tls, or a proxy that has a certificate.',
          ),
        ]),
    ...examineAdminListen(admin),
  ];
}

function examineAdminListen({ listen, keys }: Config['admin']): Finding[] {
  if (listen === null) return [isOk('the socket in the data directory, and nothing else')];
  const admins = keys.filter(({ role }) => role === 'admin').map(({ name }) => name);
  const where = `${listen.hostname}:${listen.port}`;
  const who = `${keys.length} key${keys.length === 1 ? '' : 's'}, ${admins.length} of them for everything`;
  if (isLoopback(listen.hostname)) return [isOk(`${where}, this machine alone: ${who}`)];
  if (listen.tls === null) {
    const says = `${where} can be reached without TLS: ${who}`;
    return [isFailed(says, 'admin.listen.tls, or an address of this machine alone.')];
  }
  const any = ['0.0.0.0', '::'].includes(listen.hostname);
  if (!any || admins.length === 0) return [isOk(`${where} over TLS: ${who}`)];
  const says = `${where} is every network of this machine, and ${admins.join(', ')} may change all`;
  return [
    isWarned(says, 'Name one address, or give keys that leave this machine the role viewer.'),
  ];
}
