import type { AlertsConfig } from '../../config/config.ts';
import type { TroubleKind } from '../../sinks/trouble-message.ts';
import type { FaultWindow } from './fault-window.ts';

export type TroubleBounds = Omit<AlertsConfig, 'webhook'>;

/** What is looked at every few seconds, so all of it is cheap. */
export interface TroubleSources {
  readonly backends: () => readonly BackendStanding[];
  /** Requests of known callers since the start, and those that failed by no fault of theirs. */
  readonly totals: () => { readonly requests: number; readonly faults: number };
  readonly lines: () => readonly { readonly model: string; readonly oldestMs: number }[];
  /** null where it cannot be told. */
  readonly diskFreeBytes: () => number | null;
  readonly recording: () => RecordingStanding;
}

export interface BackendStanding {
  readonly id: string;
  readonly state: string;
  readonly breaker: string;
  readonly isDrained: boolean;
  readonly problem: string | null;
}

/** Counters of what could not be written down. */
export interface RecordingStanding {
  /** Events and checkpoints that the store refused, since the start. */
  readonly auditFailures: number;
  /** Settled requests that wait to be written, and those given up. */
  readonly unwritten: number;
  readonly dropped: number;
  readonly isContentFailing: boolean;
}

/** A condition that holds now. It becomes a trouble when it has held for `holdMs`. */
export interface Finding {
  readonly kind: TroubleKind;
  readonly subject: string;
  readonly problem: string;
  readonly holdMs: number;
}

/** What has grown since the look before. */
export interface Recent {
  readonly faults: FaultWindow;
  /** Something could not be recorded within the last minute. */
  readonly recordingFailed: boolean;
}

/** Fewer requests in five minutes say nothing about a rate. */
const REQUESTS_MIN = 20;

export function findTroubles(
  bounds: TroubleBounds,
  sources: TroubleSources,
  { faults, recordingFailed }: Recent,
): Finding[] {
  const findings: Finding[] = [];
  const { backendDownMs, errorRate, queueMs, diskFreeBytes, auditFailure } = bounds;
  if (backendDownMs !== null) findings.push(...downBackends(sources.backends(), backendDownMs));
  if (errorRate !== null) findings.push(...highErrorRate(faults, errorRate));
  if (queueMs !== null) findings.push(...longLines(sources, queueMs));
  if (diskFreeBytes !== null) findings.push(...lowDisk(sources.diskFreeBytes(), diskFreeBytes));
  if (auditFailure && recordingFailed) findings.push(unrecorded(sources.recording()));
  return findings;
}

/** A backend that an operator has drained is down on purpose. */
function downBackends(backends: readonly BackendStanding[], holdMs: number): Finding[] {
  return backends
    .filter(({ state, breaker, isDrained }) => {
      return !isDrained && (state === 'down' || breaker === 'open');
    })
    .map(({ id, problem }) => ({
      kind: 'backend_down',
      subject: id,
      problem: `backend ${id} is down: ${problem ?? 'its attempts fail'}`,
      holdMs,
    }));
}

function highErrorRate({ requests, failed }: FaultWindow, bound: number): Finding[] {
  if (requests < REQUESTS_MIN || failed / requests <= bound) return [];
  const percent = Math.round((failed / requests) * 1_000) / 10;
  const problem = `${percent} % of ${requests} requests in five minutes failed by no fault of their callers`;
  return [{ kind: 'error_rate', subject: '', problem, holdMs: 0 }];
}

/** The wait itself is the time that it has held. */
function longLines(sources: TroubleSources, boundMs: number): Finding[] {
  return sources
    .lines()
    .filter(({ oldestMs }) => oldestMs >= boundMs)
    .map(({ model, oldestMs }) => ({
      kind: 'queue_wait',
      subject: model,
      problem: `a request for ${model} has waited ${Math.round(oldestMs / 1_000)} s for a place`,
      holdMs: 0,
    }));
}

function lowDisk(freeBytes: number | null, boundBytes: number): Finding[] {
  if (freeBytes === null || freeBytes >= boundBytes) return [];
  const free = Math.floor(freeBytes / 1e6);
  const problem = `${free} MB are free on the disk of the data directory`;
  return [{ kind: 'disk_low', subject: '', problem, holdMs: 0 }];
}

function unrecorded({ unwritten, dropped, isContentFailing }: RecordingStanding): Finding {
  const reasons = [
    ...(unwritten > 0 ? [`${unwritten} settled requests wait to be written`] : []),
    ...(dropped > 0 ? [`${dropped} were lost`] : []),
    ...(isContentFailing ? ['content that should be kept would be lost'] : []),
  ];
  const why = reasons.length === 0 ? 'the store refused events of the trail' : reasons.join('; ');
  const problem = `requests cannot be recorded: ${why}`;
  return { kind: 'audit_failure', subject: '', problem, holdMs: 0 };
}
