import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT } from '../root.ts';
import { type MonitoredGateway, startMonitoredGateway } from './monitored-gateway.ts';
import { type MonitoringQuery, monitoringQueries } from './monitoring-queries.ts';
import { type Prometheus, startPrometheus } from './prometheus.ts';
import { familyOf, promqlMetrics } from './promql-names.ts';

const HELP = `usage: scripts/check-monitoring [--seconds N] [--binary FILE]

Checks deploy/prometheus with promtool, then starts the compiled gateway with simulated backends,
sends it requests for N seconds (default 25) while a real Prometheus scrapes it, and asks that
Prometheus every query of deploy/grafana and deploy/prometheus. Fails on a rule or query that
Prometheus refuses and on a metric that the gateway has not. Needs \`prometheus\` and \`promtool\`,
as Debian's package \`prometheus\` installs them.
`;

const ALERTS = 'deploy/prometheus/alerts.yaml';
const ALERTS_TEST = 'deploy/prometheus/alerts.test.yaml';

const say = (text: string) => void process.stdout.write(`${text}\n`);

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: {
    seconds: { type: 'string', default: '25' },
    binary: { type: 'string', default: join(ROOT, 'dist/llmgate') },
    help: { type: 'boolean', short: 'h' },
  },
});

if (values.help === true) say(HELP.trimEnd());
else process.exitCode = (await check(values.binary, Number(values.seconds))) ? 0 : 1;

async function check(binary: string, seconds: number): Promise<boolean> {
  const missing = ['promtool', 'prometheus'].filter((name) => Bun.which(name) === null);
  if (missing.length > 0) {
    say(`not installed: ${missing.join(', ')} (Debian: apt-get install prometheus)`);
    return false;
  }
  let passed = promtool('check', 'rules', ALERTS);
  passed = promtool('test', 'rules', ALERTS_TEST) && passed;
  await using gateway = await startMonitoredGateway(binary);
  await using prometheus = await startPrometheus({
    alertsFile: join(ROOT, ALERTS),
    target: gateway.adminAddress,
    bearer: gateway.metricsKey,
  });
  const sent = await gateway.load(AbortSignal.timeout(seconds * 1_000));
  say(`${sent} requests sent in ${seconds} s, scraped every second`);
  return (await checkScraped(gateway, prometheus)) && passed;
}

async function checkScraped(gateway: MonitoredGateway, prometheus: Prometheus): Promise<boolean> {
  const faults: string[] = [];
  const scrapeError = await prometheus.scrapeError();
  if (scrapeError !== null) faults.push(`the scrape: ${scrapeError}`);
  const page = await scrape(gateway);
  if (!promtool('check', 'metrics', page)) faults.push('the page of metrics');
  const names = new Set(Array.from(page.matchAll(/^# TYPE (\S+)/gm), ([, name = '']) => name));
  let withSamples = 0;
  const queries = monitoringQueries(ROOT);
  for (const query of queries) {
    const result = await run(prometheus, query, names);
    if (typeof result === 'string') faults.push(`${query.from}: ${result}`);
    else if (result > 0) withSamples += 1;
    else if (!query.from.startsWith('alerts.yaml')) say(`  no samples now: ${query.from}`);
  }
  faults.push(...(await prometheus.brokenRules()));
  say(`${queries.length} queries run, ${withSamples} with samples; ${names.size} metrics`);
  say(`alerts under this load: ${(await prometheus.alerts()).join(', ') || 'none'}`);
  for (const fault of faults) say(`FAILED ${fault}`);
  say(faults.length === 0 ? 'monitoring: passed' : `monitoring: ${faults.length} failed`);
  return faults.length === 0;
}

/** Series that it gives, or what is wrong with it. */
async function run(
  prometheus: Prometheus,
  { expr }: MonitoringQuery,
  names: ReadonlySet<string>,
): Promise<number | string> {
  const unknown = promqlMetrics(expr)
    .map(({ name }) => familyOf(name, names))
    .filter((name) => name !== 'up' && !names.has(name));
  if (unknown.length > 0) return `there is no ${unknown.join(', ')}`;
  // What Grafana would put in.
  const filled = expr
    .replaceAll('$__rate_interval', '10s')
    .replaceAll('$__range', '20s')
    .replaceAll(/\$(?:model|backend)/g, '.*');
  try {
    return await prometheus.query(filled);
  } catch (cause) {
    return cause instanceof Error ? cause.message : String(cause);
  }
}

async function scrape({ adminAddress, metricsKey }: MonitoredGateway): Promise<string> {
  const headers = { authorization: `Bearer ${metricsKey}` };
  const response = await fetch(`http://${adminAddress}/metrics`, { headers });
  return response.text();
}

/** Files are named, a page is piped in. Warnings of style are told and not held against it. */
function promtool(verb: string, what: string, input: string): boolean {
  const isPage = what === 'metrics';
  const run = Bun.spawnSync(['promtool', verb, what, ...(isPage ? [] : [input])], {
    cwd: ROOT,
    stdin: isPage ? Buffer.from(input) : 'ignore',
  });
  const said = `${run.stdout}${run.stderr}`.trim();
  say(`promtool ${verb} ${what}: ${run.exitCode === 0 ? 'ok' : `exit ${run.exitCode}`}`);
  for (const line of said.split('\n')) if (line.trim() !== '') say(`  ${line}`);
  return run.exitCode === 0;
}
