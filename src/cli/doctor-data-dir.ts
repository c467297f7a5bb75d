import { lstatSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import type { DoctorCase } from './doctor-case.ts';
import { type Finding, isFailed, isOk, isWarned } from './doctor-finding.ts';

/** Files that nobody but their owner may read: they hold digests of keys, secrets, or prompts. */
const PRIVATE_FILES = [
  ...['llmgate.db', 'llmgate.db-wal', 'content.db', 'content.db-wal', 'admin.sock', 'install-id'],
  ...['audit-signing-key.pem', 'lock'],
];

/** Who owns the data directory, who else gets in, and whose books it holds. Changes nothing. */
export async function examineDataDir(patient: DoctorCase): Promise<readonly Finding[]> {
  const { dataDir, running } = patient;
  const found = statSync(dataDir, { throwIfNoEntry: false });
  if (found === undefined) {
    return [isWarned(`${dataDir} is not there yet`, 'The first "llmgate serve" makes it.')];
  }
  if (!found.isDirectory()) {
    return [isFailed(`${dataDir} is not a directory`, 'Name another one in data_dir.')];
  }
  const owner = examineOwner(dataDir, found, patient.system.uid);
  if (owner !== null) return [owner];
  const findings = [...examineModes(dataDir, found), ...(await examineInstall(dataDir))];
  if (findings.length > 0) return findings;
  const holder = running === null ? '' : ', in use by the gateway that runs';
  return [isOk(`${dataDir} is this user's alone (mode 0${modeOf(found)})${holder}`)];
}

function examineOwner(dataDir: string, { uid }: Stats, own: number | null): Finding | null {
  if (own === null || uid === own) return null;
  const says = `${dataDir} belongs to user ${uid}, and this is user ${own}`;
  return isFailed(says, 'Run llmgate and this command as the user who owns it (sudo -u).');
}

function examineModes(dataDir: string, found: Stats): Finding[] {
  const findings: Finding[] = [];
  if ((found.mode & 0o077) !== 0) {
    const may = (found.mode & 0o022) !== 0 ? 'write to' : 'look into';
    const says = `other users may ${may} ${dataDir} (mode 0${modeOf(found)})`;
    findings.push(isWarned(says, `chmod 700 ${dataDir}`));
  }
  for (const name of PRIVATE_FILES) {
    const path = join(dataDir, name);
    const file = lstatSync(path, { throwIfNoEntry: false });
    if (file === undefined || (file.mode & 0o077) === 0) continue;
    if (file.isSymbolicLink()) {
      findings.push(isFailed(`${path} is a link`, 'Put the file itself there.'));
      continue;
    }
    findings.push(isFailed(`${path} has mode 0${modeOf(file)}`, `chmod 600 ${path}`));
  }
  return findings;
}

async function examineInstall(dataDir: string): Promise<Finding[]> {
  const { readInstallId } = await import('../store/install-id.ts');
  const database = statSync(join(dataDir, 'llmgate.db'), { throwIfNoEntry: false });
  try {
    const isUsed = readInstallId(dataDir) !== undefined;
    if (isUsed && (database === undefined || database.size === 0)) {
      const says = `the database is gone, but ${dataDir} has been in use`;
      return [isFailed(says, 'llmgate restore FILE puts a backup back.')];
    }
    return [];
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    return [isFailed(`the install id cannot be read: ${why}`, `Look at ${dataDir}/install-id.`)];
  }
}

function modeOf({ mode }: Stats): string {
  return (mode & 0o777).toString(8);
}
