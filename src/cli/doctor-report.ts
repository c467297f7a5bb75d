import { toVisibleText } from '../core/visible-text.ts';
import { type Ink, inColor } from './color.ts';
import { AREAS, type Area, type Finding, LEVELS, type Level } from './doctor-finding.ts';
import type { Report } from './output.ts';

export interface Diagnosis {
  readonly area: Area;
  readonly findings: readonly Finding[];
}

const INKS: Readonly<Record<Level, Ink>> = { ok: 'green', warn: 'yellow', fail: 'red' };
const AREA_WIDTH = Math.max(...AREAS.map((area) => area.length));
const INDENT = ' '.repeat(4 + 2 + AREA_WIDTH + 2);

/** One line for each finding, and one more with the mend of what is not well. */
export function toDoctorReport(diagnoses: readonly Diagnosis[], colored: boolean): Report {
  const rows = diagnoses.flatMap(({ area, findings }) =>
    findings.map(({ level, says, mend }) => ({ area, level, says, mend })),
  );
  const counts = countLevels(rows);
  const lines = rows.map(({ area, level, says, mend }) => {
    const word = level.padEnd(4);
    const head = `${colored ? inColor(word, INKS[level]) : word}  ${area.padEnd(AREA_WIDTH)}  `;
    const cure = mend === null ? '' : `${INDENT}→ ${toVisibleText(mend)}\n`;
    return `${head}${toVisibleText(says)}\n${cure}`;
  });
  return {
    document: { healthy: counts.fail === 0, ...counts, checks: rows },
    rows,
    columns: ['area', 'level', 'says', 'mend'],
    human: `${lines.join('')}\n${counts.ok} ok, ${counts.warn} to look at, ${counts.fail} failed\n`,
  };
}

export function hasFailed(diagnoses: readonly Diagnosis[]): boolean {
  return diagnoses.some(({ findings }) => findings.some(({ level }) => level === 'fail'));
}

function countLevels(rows: readonly { readonly level: Level }[]): Record<Level, number> {
  const [ok = 0, warn = 0, fail = 0] = LEVELS.map(
    (level) => rows.filter((row) => row.level === level).length,
  );
  return { ok, warn, fail };
}
