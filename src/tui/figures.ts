/** Numbers as people read them at a glance: three figures and a unit. What is not known is `-`. */

export const UNKNOWN = '-';

const STEPS = ['', 'k', 'M', 'G', 'T', 'P'];

/** `950`, `1.23k`, `45.6M`. */
export function renderCount(value: number | null): string {
  if (value === null || !Number.isFinite(value)) return UNKNOWN;
  let step = 0;
  let rest = Math.abs(value);
  // Where three figures would round up to a thousand, the next unit says it better.
  while (rest >= 999.5 && step < STEPS.length - 1) {
    rest /= 1_000;
    step += 1;
  }
  const text = step === 0 && Number.isInteger(rest) ? String(rest) : threeFigures(rest);
  return `${value < 0 ? '-' : ''}${text}${STEPS[step]}`;
}

/** `0.25`, `3.5`, `120`: so many in a second. */
export function renderRate(perSecond: number | null): string {
  return perSecond === null || perSecond === 0
    ? renderCount(perSecond)
    : renderCount(clean(perSecond));
}

/** `0.8 ms`, `120 ms`, `1.2 s`, `3m 20s`. */
export function renderMs(ms: number | null): string {
  if (ms === null || !Number.isFinite(ms)) return UNKNOWN;
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1_000).toFixed(1)} s`;
  return renderDuration(ms);
}

/** `45s`, `3m 20s`, `4h 5m`, `3d 4h`. */
export function renderDuration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (minutes < 1) return `${seconds}s`;
  if (hours < 1) return `${minutes}m ${seconds % 60}s`;
  if (hours < 24) return `${hours}h ${minutes % 60}m`;
  return `${Math.floor(hours / 24)}d ${hours % 24}h`;
}

/** `0`, `$0.000161`, `$7.20`, `$1.23k`. */
export function renderUsd(usd: number | null): string {
  if (usd === null || !Number.isFinite(usd)) return UNKNOWN;
  if (usd === 0) return '0';
  if (usd >= 999.5) return `$${renderCount(usd)}`;
  return usd >= 0.01 ? `$${usd.toFixed(2)}` : `$${Number(usd.toPrecision(3))}`;
}

/** A part from 0 to 1 as `0%`, `0.5%`, `42%`. */
export function renderPart(part: number | null): string {
  if (part === null || !Number.isFinite(part)) return UNKNOWN;
  const percent = part * 100;
  return percent > 0 && percent < 9.95
    ? `${clean(percent).toFixed(1)}%`
    : `${Math.round(percent)}%`;
}

/** `98.0 GB`: decimal, as vendors count memory. */
export function renderBytes(bytes: number | null): string {
  return bytes === null ? UNKNOWN : `${renderCount(bytes)}B`;
}

/** `14:05:09` of an RFC 3339 time. */
export function renderTimeOfDay(at: string): string {
  return at.slice(11, 19);
}

function threeFigures(value: number): string {
  if (value >= 99.95) return String(Math.round(value));
  return value >= 9.995 ? value.toFixed(1) : value.toFixed(2);
}

/** 49.99999 is 50: rates come out of divisions. */
function clean(value: number): number {
  const nearest = Math.round(value);
  return Math.abs(value - nearest) < 1e-4 * Math.abs(value) ? nearest : value;
}
