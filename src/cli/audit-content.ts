import type { Command } from 'commander';
import type { ContentPartView, ContentView } from '../admin/content-schemas.ts';
import { addAccessOptions, type SystemParts, withOperations } from './admin-access.ts';
import type { AccessFlags } from './data-dir.ts';
import { EXIT } from './exit-code.ts';
import type { CliIo } from './io.ts';
import { addOutputOptions, type OutputOptions, printReport, type Report } from './output.ts';
import { NOTHING, renderFields } from './table.ts';
import { toVisibleText } from './visible-text.ts';

const EXAMPLE = `Example:
  llmgate audit content 01938a5c-5b1e-7c6e-9d3a-2f0c8d1e4b7a
`;

/** Shows prompt and answer. Ends with 1 when they are not what the row of the request says. */
export function addAuditContentCommand(audit: Command, io: CliIo, system: SystemParts): void {
  const command = audit
    .command('content')
    .description('show what was captured of a request; that you did is recorded')
    .addHelpText('before', EXAMPLE)
    .argument('<request>', 'id of the request, as in x-request-id');
  addOutputOptions(addAccessOptions(command)).action(
    async (request: string, flags: AccessFlags & OutputOptions) => {
      const found = await withOperations(io, { ...flags, need: 'data', system }, ({ content }) =>
        content.show(request),
      );
      await printReport(io, flags, toReport(found));
      if (found.content_ref_matches === false) io.setExitCode(EXIT.failed);
    },
  );
}

function toReport(found: ContentView): Report {
  const facts = renderFields([
    ['request', found.request_id],
    ['captured', found.captured_at],
    ['mode', found.mode],
    ['key', found.key],
    ['user', found.user ?? NOTHING],
    ['team', found.team ?? NOTHING],
    ['tenant', found.tenant ?? NOTHING],
    ['reference', describeReference(found)],
  ]);
  return {
    document: found,
    rows: [{ ...found }],
    human: `${facts}\n${renderPart('request', found.request)}\n${renderPart('answer', found.answer)}`,
  };
}

function describeReference({ content_ref_matches: matches }: ContentView): string {
  if (matches === null) return 'the books have no row of this request';
  return matches ? 'as in the row of the request' : 'NOT the one in the row of the request';
}

/** Lines stay lines; whatever else a terminal could obey is written out. */
function renderPart(
  name: string,
  { bytes, truncated, encoding, content }: ContentPartView,
): string {
  const notes = [`${bytes} bytes`];
  if (truncated) notes.push('only the beginning was kept');
  if (encoding === 'base64') notes.push('not text, shown as base64');
  const text = content.split('\n').map(toVisibleText).join('\n');
  return `--- ${name}: ${notes.join(', ')}\n${text}${text.endsWith('\n') || text === '' ? '' : '\n'}`;
}
