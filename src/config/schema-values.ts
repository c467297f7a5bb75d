import * as z from 'zod';
import { parseBackendUrl } from './backend-url.ts';
import { BadValue } from './bad-value.ts';
import { parseDayTimes } from './day-times.ts';
import { parseHedgeDelay } from './hedge-delay.ts';
import { parseListenAddress } from './listen-address.ts';
import { parseSyslogAddress, parseWebUrl } from './sink-address.ts';
import { parseDuration, parsePercentage, parseRate, parseShare, parseSize } from './units.ts';

/** Kinds of text with a form of their own. The pattern is for editors; the parser decides. */
interface Kind {
  readonly title: string;
  readonly pattern?: string;
  readonly parse: (text: string) => unknown;
  /** Said of a number, which mostly is the right one without its unit. */
  readonly ifNumber: string;
}

function written({ title, pattern, parse, ifNumber }: Kind) {
  return z
    .string({ error: ({ input }) => (typeof input === 'number' ? ifNumber : undefined) })
    .superRefine((text, context) => {
      try {
        parse(text);
      } catch (error) {
        if (!(error instanceof BadValue)) throw error;
        context.addIssue({ code: 'custom', message: error.message });
      }
    })
    .meta({ title, ...(pattern !== undefined && { pattern }) });
}

/** A kind of text that the word `off` may stand in for. */
function orOff(title: string, pattern: string, parse: (text: string) => unknown, ifNumber: string) {
  return written({
    title: `${title} or \`off\``,
    pattern: `^off$|${pattern}`,
    parse: (text) => (text === 'off' ? undefined : parse(text)),
    ifNumber,
  });
}

export const Address = written({
  title: 'host:port',
  pattern: '^(\\[[0-9a-fA-F:.%]+\\]|[^:\\s\\[\\]/*]+):[0-9]+$',
  parse: parseListenAddress,
  ifNumber: 'must be an address such as 127.0.0.1:8080',
});

const WEB_URL_PATTERN = '^[hH][tT][tT][pP][sS]?://[^\\s#@]+$';

export const BackendUrl = written({
  title: 'URL',
  pattern: '^([hH][tT][tT][pP][sS]?://[^\\s?#@]+|unix:/[^\\s]+)$',
  parse: parseBackendUrl,
  ifNumber: 'must be a URL such as http://127.0.0.1:8000',
});

export const WebUrl = written({
  title: 'URL',
  pattern: WEB_URL_PATTERN,
  parse: parseWebUrl,
  ifNumber: 'must be a URL such as https://hooks.example.com/llmgate',
});

export const SyslogAddress = written({
  title: 'syslog address',
  pattern: '^(udp|tcp|tls)://[^\\s/]+$',
  parse: parseSyslogAddress,
  ifNumber: 'must be an address such as udp://127.0.0.1:514',
});

// Longer than a day no timer of the runtime can be trusted, and no answer takes that long.
const LONGEST_TIMER_MS = 86_400_000;
const DURATION_PATTERN = '^\\s*[0-9]+(\\.[0-9]+)?\\s*(ms|s|m|h|d)\\s*$';

function duration(example: string, check: (ms: number) => void) {
  return written({
    title: 'duration',
    pattern: DURATION_PATTERN,
    parse: (text) => check(parseDuration(text)),
    ifNumber: `has no unit; write it like ${example}`,
  });
}

export const Timeout = duration('500ms, 30s or 5m', (ms) => {
  if (ms > LONGEST_TIMER_MS) throw new BadValue('must be at most 24h');
});

export const Interval = duration('30s, 15m or 1h', (ms) => {
  if (ms < 1_000 || ms > LONGEST_TIMER_MS) throw new BadValue('must be between 1s and 24h');
});

/** How often something is asked; short ones are for tests. */
export const Period = duration('1s, 5s or 1m', (ms) => {
  if (ms < 50 || ms > LONGEST_TIMER_MS) throw new BadValue('must be between 50ms and 24h');
});

/** A deadline, or none. */
export const TimeoutOrOff = orOff(
  'duration',
  DURATION_PATTERN,
  (text) => {
    if (parseDuration(text) > LONGEST_TIMER_MS) throw new BadValue('must be at most 24h');
  },
  'has no unit; write it like 500ms, 30s or 5m, or off',
);

/** How long something is kept. */
export const Retention = duration('90d', (ms) => {
  if (ms < 3_600_000) throw new BadValue('must be at least 1h');
});

/** Budgets of a month are computed from the sums when the gateway starts. */
export const SumsRetention = duration('400d', (ms) => {
  if (ms < 32 * 86_400_000) throw new BadValue('must be at least 32d');
});

const SIZE_PATTERN = '^\\s*[0-9]+(\\.[0-9]+)?\\s*(B|KB|MB|GB|KiB|MiB|GiB)\\s*$';

export const BodySize = written({
  title: 'size',
  pattern: SIZE_PATTERN,
  parse(text) {
    const bytes = parseSize(text);
    if (bytes < 1_000 || bytes > 1_000_000_000) throw new BadValue('must be between 1KB and 1GB');
  },
  ifNumber: 'has no unit; write it like 32MB',
});

export const RateText = written({
  title: 'rate',
  pattern: '^\\s*[0-9]+\\s*/\\s*[smhd]\\s*$',
  parse: parseRate,
  ifNumber: 'is not a rate; write it like 600/m',
});

export const Percentage = written({
  title: 'percentage',
  pattern: '^\\s*[0-9]+\\s*%\\s*$',
  parse: parsePercentage,
  ifNumber: 'has no unit; write it like 80%',
});

/** A part of a whole, up to all of it. */
const SHARE_PATTERN = '^\\s*[0-9]+(\\.[0-9]+)?\\s*%\\s*$';
export const Share = written({
  title: 'percentage',
  pattern: SHARE_PATTERN,
  parse: parseShare,
  ifNumber: 'has no unit; write it like 5%',
});

export const ShareOrOff = orOff(
  'percentage',
  SHARE_PATTERN,
  parseShare,
  'has no unit; write it like 10%, or off',
);

export const Size = written({
  title: 'size',
  pattern: SIZE_PATTERN,
  parse: parseSize,
  ifNumber: 'has no unit; write it like 64KB or 24GB',
});

export const SizeOrOff = orOff(
  'size',
  SIZE_PATTERN,
  parseSize,
  'has no unit; write it like 1GB, or off',
);

const URL_PATH_PATTERN = '^/[!-~]{0,199}$';

function parseUrlPath(text: string): void {
  if (/^\/[\x21-\x7e]{0,199}$/.test(text) && !text.includes('#')) return;
  throw new BadValue('a path begins with "/" and has at most 200 visible ASCII characters');
}

export const UrlPath = written({
  title: 'path',
  pattern: URL_PATH_PATTERN,
  parse: parseUrlPath,
  ifNumber: 'must be a path such as /health',
});

export const UrlPathOrOff = orOff(
  'path',
  URL_PATH_PATTERN,
  parseUrlPath,
  'must be a path such as /health, or off',
);

export const DayTimes = written({
  title: 'times of day',
  pattern: '^\\s*[0-9]{1,2}:[0-9]{2}\\s*-\\s*[0-9]{1,2}:[0-9]{2}\\s*$',
  parse: parseDayTimes,
  ifNumber: 'is not two times of day; write it like "22:00-06:00"',
});

export const HedgeDelay = written({
  title: 'duration or percentile',
  pattern: '^\\s*(p[0-9]{1,2}(\\.[0-9]+)?|[0-9]+(\\.[0-9]+)?\\s*(ms|s|m|h|d))\\s*$',
  parse: parseHedgeDelay,
  ifNumber: 'has no unit; write it like 800ms or p95',
});

export const Secret = z
  .string()
  .meta({ title: 'reference', pattern: '^\\$\\{(env|file):[^}]+\\}$' });
export const Text = z.string().min(1);
/** One or several. */
export const Texts = z.union([Text, z.array(Text).min(1)]);
/** What becomes text: YAML reads 7 and true as something else. */
export const Scalar = z.union([z.string(), z.number(), z.boolean()]);
export const Weight = z.number().min(0.001).max(1_000_000);
export const Concurrency = z.int().min(1).max(1_000_000);
export const Tokens = z.int().min(1).max(1_000_000_000);

/** USD per million tokens. Six decimals are one micro-dollar, the finest price that is kept. */
export const Usd = z
  .number()
  .min(0)
  .max(10_000)
  .refine((usd) => Math.abs(usd * 1e6 - Math.round(usd * 1e6)) < 1e-6 * Math.max(1, usd), {
    error: 'has more than six decimals; prices are kept in millionths of a dollar',
  });
