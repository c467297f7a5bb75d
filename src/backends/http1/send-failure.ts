/**
 * What the backend can have seen. `nothing_sent`: no byte of the request, so it may safely be sent
 * elsewhere. `sent_nothing_read`: it may be working on it. `broken_midway`: the reply had begun.
 */
export type FailureStage = 'nothing_sent' | 'sent_nothing_read' | 'broken_midway';

export const FAILURE_CAUSES = [
  'refused',
  'dns',
  'connect_timeout',
  'tls',
  'reset',
  'closed',
  'protocol',
  'first_byte_timeout',
  'idle_timeout',
  'total_timeout',
  'too_many_connections',
] as const;
export type FailureCause = (typeof FAILURE_CAUSES)[number];

export interface SendFailure {
  readonly stage: FailureStage;
  readonly cause: FailureCause;
  /** For logs: names the origin, holds no header, path or body. */
  readonly message: string;
}
