import { type AuditFault, createFault } from '../audit/audit-fault.ts';
import type { Database } from './sqlite.ts';

const WORDS_OF_DIMENSION = `json_array(k.name, u.name, t.name, n.name, json(s.tags), m.name,
  b.name, e.name)`;

const DIFFERENT_DIMENSIONS = `SELECT d.id, d.words, ${WORDS_OF_DIMENSION} AS meant
  FROM dimensions d
  LEFT JOIN names k ON k.id = d.key
  LEFT JOIN names u ON u.id = d.user
  LEFT JOIN names t ON t.id = d.team
  LEFT JOIN names n ON n.id = d.tenant
  LEFT JOIN tag_sets s ON s.id = d.tags
  LEFT JOIN names m ON m.id = d.model
  LEFT JOIN names b ON b.id = d.backend
  LEFT JOIN names e ON e.id = d.endpoint
  WHERE d.words <> ${WORDS_OF_DIMENSION} ORDER BY d.id LIMIT 1`;

const WORDS_OF_ENDING = `json_array(o.name, c.name, u.name,
  json(iif(e.estimated, 'true', 'false')), json(iif(e.streamed, 'true', 'false')), e.status)`;

const DIFFERENT_ENDINGS = `SELECT e.id, e.words, ${WORDS_OF_ENDING} AS meant
  FROM endings e
  LEFT JOIN names o ON o.id = e.outcome
  LEFT JOIN names c ON c.id = e.code
  LEFT JOIN names u ON u.id = e.usage_source
  WHERE e.words <> ${WORDS_OF_ENDING} ORDER BY e.id LIMIT 1`;

interface Different {
  readonly id: number;
  readonly words: string;
  readonly meant: string;
}

/**
 * The chain covers the words of a request; reports read the numbers behind them. Names the first
 * entry in which the two no longer say the same, and the first request that it tells wrongly of.
 */
export function checkDictionaries(db: Database): AuditFault[] {
  return [
    ...checkDictionary(db, 'dimension', DIFFERENT_DIMENSIONS),
    ...checkDictionary(db, 'ending', DIFFERENT_ENDINGS),
  ];
}

function checkDictionary(
  db: Database,
  column: 'dimension' | 'ending',
  differentSql: string,
): AuditFault[] {
  const different = db.prepare<[], Different>(differentSql).get();
  if (different === undefined) return [];
  // No index leads here: read in full, but only when something is wrong.
  const seq = db
    .prepare<[number], number | null>(`SELECT min(seq) FROM requests WHERE ${column} = ?`)
    .pluck()
    .get(different.id);
  const { id, words, meant } = different;
  const message = `${column} ${id}: the words covered by the chain are ${words}, reports would say ${meant}`;
  return [createFault('dictionaries', 'changed', typeof seq === 'number' ? { seq } : {}, message)];
}
