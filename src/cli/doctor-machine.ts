import { toByteSize } from './byte-size.ts';
import type { DoctorCase, DoctorSystem } from './doctor-case.ts';
import { type Finding, isFailed, isOk, isWarned } from './doctor-finding.ts';

/** A connection of the caller, one to the backend; the rest is files, sockets and threads. */
const DESCRIPTORS_PER_REQUEST = 2;
const DESCRIPTORS_BESIDES = 128;

/** With fewer the first burst of callers is refused. */
const DESCRIPTORS_FAIL = 512;

/** Of a gateway without traffic, with room for reports. */
const MEMORY_OWN_BYTES = 300_000_000;

/** Open files: those of the gateway when one runs, else those that this shell would give it. */
export async function examineDescriptors(patient: DoctorCase): Promise<readonly Finding[]> {
  const { system, holder, config } = patient;
  const whose = holder === null ? 'self' : String(holder);
  const limits = system.readText(`/proc/${whose}/limits`) ?? system.readText('/proc/self/limits');
  const [, soft] = /^Max open files\s+(\d+|unlimited)/m.exec(limits ?? '') ?? [];
  if (soft === undefined) return [isOk('the limit of open files is not known here')];
  const requests = config?.overload.requestsInFlight ?? 1_000;
  const needed = requests * DESCRIPTORS_PER_REQUEST + DESCRIPTORS_BESIDES;
  const limit = soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft);
  const who = holder === null ? 'here' : 'for the gateway';
  const says = `${soft} open files ${who}; ${requests} requests in flight may need ${needed}`;
  if (limit >= needed) return [isOk(says)];
  if (limit < DESCRIPTORS_FAIL) return [isFailed(says, `ulimit -n ${needed}`)];
  return [isWarned(says, `LimitNOFILE=${needed} in the unit, or: ulimit -n ${needed}`)];
}

/** What is free for the bodies that may be in memory at once. */
export async function examineMemory({ system, config }: DoctorCase): Promise<readonly Finding[]> {
  const available = findAvailableBytes(system);
  if (available === null) return [isOk('the free memory is not known here')];
  const bodies = config?.overload.bytesInFlight ?? 0;
  const says = `${toByteSize(available)} free; llmgate may use ${toByteSize(MEMORY_OWN_BYTES + bodies)}`;
  if (available < MEMORY_OWN_BYTES) return [isFailed(says, 'Make room, or the kernel ends it.')];
  if (available < MEMORY_OWN_BYTES + bodies) {
    return [isWarned(says, 'Lower overload.bytes_in_flight or max_body, or make room.')];
  }
  return [isOk(says)];
}

/** The smaller of what the machine has left and what the container may still take. */
function findAvailableBytes(system: DoctorSystem): number | null {
  const [, kilobytes] =
    /^MemAvailable:\s+(\d+) kB/m.exec(system.readText('/proc/meminfo') ?? '') ?? [];
  if (kilobytes === undefined) return null;
  const machine = Number(kilobytes) * 1024;
  const limit = Number(system.readText('/sys/fs/cgroup/memory.max')?.trim());
  const used = Number(system.readText('/sys/fs/cgroup/memory.current')?.trim());
  return limit > 0 && used >= 0 ? Math.min(machine, Math.max(0, limit - used)) : machine;
}

/** Long enough to see a clock that is being set, short enough not to be waited for. */
const CLOCK_WATCH_MS = 300;
const CLOCK_DRIFT_MS = 50;
/** This was not written before then. */
const EARLIEST_MS = Date.UTC(2026, 0, 1);

/** Whether the wall clock goes as fast as time does, and can be right at all. */
export async function examineClock({ system }: DoctorCase): Promise<readonly Finding[]> {
  const { clock, wait } = system;
  const before = [clock.nowMs(), clock.monotonicMs()] as const;
  await wait(CLOCK_WATCH_MS);
  const wallMs = clock.nowMs() - before[0];
  const passedMs = clock.monotonicMs() - before[1];
  const now = new Date(clock.nowMs()).toISOString();
  const mend = 'timedatectl set-ntp true, or whatever keeps the time of this machine.';
  if (clock.nowMs() < EARLIEST_MS) {
    return [isFailed(`it is ${now}, which cannot be: budgets and expiries follow the clock`, mend)];
  }
  const driftMs = Math.round(wallMs - passedMs);
  if (Math.abs(driftMs) > CLOCK_DRIFT_MS) {
    return [isWarned(`the clock jumped by ${driftMs} ms while it was watched`, mend)];
  }
  return [isOk(`it is ${now}, and the clock runs evenly`)];
}
