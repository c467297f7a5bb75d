import { BUILD_INFO } from './build-info.ts';
import type { DoctorCase } from './doctor-case.ts';
import { type Finding, isOk, isWarned } from './doctor-finding.ts';

/** What a bug report needs, and whether the gateway that runs is this one. */
export async function examineVersions(patient: DoctorCase): Promise<readonly Finding[]> {
  const { version, target } = BUILD_INFO;
  const says = `llmgate ${version} (${target}), Bun ${Bun.version}, ${patient.system.kernel}`;
  const running = patient.running?.version;
  if (running === undefined || running === version) return [isOk(says)];
  const mend = 'Restart the gateway when that was an upgrade.';
  return [isOk(says), isWarned(`the gateway that runs is llmgate ${running}`, mend)];
}
