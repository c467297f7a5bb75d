import { existsSync } from 'node:fs';
import { type Backend, createBackend } from '../backends/backend.ts';
import type { HttpClient } from '../backends/http1/client.ts';
import type { CollectedReply } from '../backends/http1/collect.ts';
import type { BackendConfig } from '../config/config.ts';
import type { DoctorCase } from './doctor-case.ts';
import { findCertificateDays } from './doctor-certificate.ts';
import { readEngineVersion, versionPathOf } from './doctor-engine-version.ts';
import { type Finding, isFailed, isOk, isWarned } from './doctor-finding.ts';

/** What answers later than this is not fit to serve either. */
const DEADLINE_MS = 5_000;
const REPLY_BYTES_MAX = 4 * 1024 * 1024;
const CERTIFICATE_WARN_DAYS = 21;
const SKEW_WARN_MS = 5_000;
const SLOW_MS = 1_000;

interface Asked {
  /** null when there was no answer; `problem` says why. */
  readonly reply: CollectedReply | null;
  readonly problem: string;
  readonly tookMs: number;
}

type Ask = (backend: Backend, path: string, credential?: number) => Promise<Asked>;

/** Asks every backend at once what it serves, as the gateway does; no prompt is sent. */
export async function examineBackends(patient: DoctorCase): Promise<readonly Finding[]> {
  const { config, system } = patient;
  if (config === null) return [isOk('none to ask: there is no configuration')];
  const { openHttpClient } = await import('../backends/http1/client.ts');
  const { startWatchdog } = await import('../backends/watchdog.ts');
  const watchdog = startWatchdog(system.clock, 50);
  const client = openHttpClient({ watchdog, clock: system.clock });
  try {
    const ask = createAsk(client, patient);
    const all = config.backends.map((each) => examineOne(each, { ask, patient }));
    return (await Promise.all(all)).flat();
  } finally {
    client.close();
    watchdog.close();
  }
}

function createAsk(client: HttpClient, { system }: DoctorCase): Ask {
  const deadlines = {
    connectMs: DEADLINE_MS,
    firstByteMs: DEADLINE_MS,
    idleMs: DEADLINE_MS,
    totalMs: DEADLINE_MS,
  };
  return async ({ origin, headerSets }, path, credential = 0) => {
    const { collect, SendFailureError } = await import('../backends/http1/collect.ts');
    const beganMs = system.clock.monotonicMs();
    const tookMs = () => Math.round(system.clock.monotonicMs() - beganMs);
    const headers = [['accept', 'application/json'] as const, ...(headerSets[credential] ?? [])];
    const request = { origin, method: 'GET', path: `${origin.basePath}${path}`, headers };
    try {
      const full = { ...request, body: null, deadlines };
      const reply = await collect(client, full, REPLY_BYTES_MAX);
      return { reply, problem: '', tookMs: tookMs() };
    } catch (cause) {
      const problem = cause instanceof SendFailureError ? cause.failure.message : String(cause);
      return { reply: null, problem, tookMs: tookMs() };
    }
  };
}

interface Tools {
  readonly ask: Ask;
  readonly patient: DoctorCase;
}

async function examineOne(config: BackendConfig, tools: Tools): Promise<Finding[]> {
  const backend = createBackend(config);
  const program = examineProgram(config);
  if (program !== null) return [program];
  const listed = await tools.ask(backend, '/v1/models');
  if (listed.reply === null) return [sayUnreachable(config, listed.problem)];
  const version = await findVersion(config, backend, tools.ask);
  return [
    await sayListed(config, { ...listed, reply: listed.reply, version }),
    ...(await examineHealth(config, backend, tools.ask)),
    ...(await examineOtherKeys(config, backend, tools.ask)),
    ...examineSkew(config, listed.reply, tools.patient),
    ...(await examineCertificate(config, backend, tools.patient)),
  ];
}

/** Of a server that llmgate starts: that there is something to start. */
function examineProgram({ id, process }: BackendConfig): Finding | null {
  if (process === null) return null;
  const [program = ''] = process.command;
  const isThere = program.includes('/') ? existsSync(program) : Bun.which(program) !== null;
  if (isThere) return null;
  return isFailed(`${id}: the program ${program} is not here`, 'Correct process.command.');
}

function sayUnreachable({ id, process }: BackendConfig, problem: string): Finding {
  if (process !== null) return isOk(`${id}: not running; it is started when it is needed`);
  return isFailed(`${id} does not answer: ${problem}`, 'Start it, or correct its url.');
}

interface Listed {
  readonly reply: CollectedReply;
  readonly tookMs: number;
  readonly version: string | null;
}

async function sayListed(config: BackendConfig, listed: Listed): Promise<Finding> {
  const { id, url, type, discover } = config;
  const { reply, tookMs, version } = listed;
  if (reply.status === 401 || reply.status === 403) {
    const mend = config.apiKeys.length === 0 ? 'It wants an api_key.' : 'Renew its api_key.';
    return isFailed(`${id}: ${url} refuses our credential (HTTP ${reply.status})`, mend);
  }
  const { readModelList } = await import('../protocols/model-discovery.ts');
  const name = `${id}: ${type}${version === null ? '' : ` ${version}`}`;
  if (reply.status !== 200) {
    const says = `${name} answers /v1/models with HTTP ${reply.status}`;
    if (!discover) return isOk(`${says}; its models are configured`);
    return isFailed(says, 'Is its url right? Set discover: false when it has no such path.');
  }
  try {
    const models = readModelList(reply.body).length;
    const says = `${name} answers in ${tookMs} ms, ${models} model${models === 1 ? '' : 's'}`;
    if (tookMs > SLOW_MS) return isWarned(says, 'It is far away, or busy.');
    if (models === 0) return isWarned(says, 'Load a model there.');
    return isOk(says);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    return isFailed(
      `${name} answers, but not as its type would: ${why}`,
      'Correct its type or url.',
    );
  }
}

async function findVersion(
  { type }: BackendConfig,
  backend: Backend,
  ask: Ask,
): Promise<string | null> {
  const path = versionPathOf(type);
  if (path === null) return null;
  const { reply } = await ask(backend, path);
  return reply?.status === 200 ? readEngineVersion(type, reply.body) : null;
}

async function examineHealth(
  { id, healthPath }: BackendConfig,
  backend: Backend,
  ask: Ask,
): Promise<Finding[]> {
  if (healthPath === null) return [];
  const { reply, problem } = await ask(backend, healthPath);
  if (reply !== null && reply.status >= 200 && reply.status < 300) return [];
  const what = reply === null ? problem : `HTTP ${reply.status}`;
  const mend = 'Wait while it loads its model, or correct health_path.';
  return [isWarned(`${id}: ${healthPath} says it is not well: ${what}`, mend)];
}

/** A second key that was revoked is noticed when the first one is, and then it is too late. */
async function examineOtherKeys(
  { id, apiKeys }: BackendConfig,
  backend: Backend,
  ask: Ask,
): Promise<Finding[]> {
  const others = apiKeys.map((_, at) => at).slice(1);
  const asked = await Promise.all(others.map((at) => ask(backend, '/v1/models', at)));
  return asked.flatMap(({ reply }, index) => {
    if (reply?.status !== 401 && reply?.status !== 403) return [];
    const says = `${id}: key ${index + 2} of ${apiKeys.length} is refused (HTTP ${reply.status})`;
    return [isWarned(says, 'Renew or remove it.')];
  });
}

/** A header has whole seconds and is some milliseconds old. */
function examineSkew(
  { id }: BackendConfig,
  { headers }: CollectedReply,
  { system }: DoctorCase,
): Finding[] {
  const theirsMs = Date.parse(headers.get('date') ?? '');
  if (Number.isNaN(theirsMs)) return [];
  const skewMs = theirsMs - system.clock.nowMs();
  if (Math.abs(skewMs) < SKEW_WARN_MS) return [];
  const how = skewMs > 0 ? 'ahead of' : 'behind';
  const says = `${id}: its clock is ${Math.round(Math.abs(skewMs) / 1_000)} s ${how} this one`;
  return [isWarned(says, 'One of the two is wrong; keep both by NTP.')];
}

async function examineCertificate(
  { id }: BackendConfig,
  { origin }: Backend,
  { system }: DoctorCase,
): Promise<Finding[]> {
  if (!origin.tls) return [];
  const days = await findCertificateDays(origin.hostname, origin.port, system.clock.nowMs());
  if (days === null || days > CERTIFICATE_WARN_DAYS) return [];
  return [isWarned(`${id}: its certificate ends in ${days} days`, 'Have it renewed.')];
}
