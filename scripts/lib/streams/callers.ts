import { join } from 'node:path';
import type { CallerJob, CallerReport } from './caller-job.ts';

/** The process of the callers. */
export interface Callers {
  run(job: CallerJob): Promise<CallerReport>;
  stop(): void;
}

export function startCallers(): Callers {
  let answer = Promise.withResolvers<CallerReport>();
  const child = Bun.spawn([process.execPath, join(import.meta.dirname, 'caller-main.ts')], {
    stdio: ['ignore', 'inherit', 'inherit'],
    ipc: (report: CallerReport) => answer.resolve(report),
    onExit: () => answer.reject(new Error('the process of the callers ended')),
  });
  // Whoever waits hears it; nobody else has to.
  const watched = () => {
    answer.promise.catch(() => {});
    return answer.promise;
  };
  return {
    run(job) {
      answer = Promise.withResolvers<CallerReport>();
      child.send(job);
      return watched();
    },
    stop() {
      watched();
      child.kill('SIGKILL');
    },
  };
}
