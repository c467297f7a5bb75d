import { expect, test } from 'vitest';
import { openExportCursors } from '../../src/store/export-cursors.ts';
import { openDatabase } from '../../src/store/open-database.ts';
import { tempDir } from '../support/temp-store.ts';

test('places are kept for each sink and chain, and survive a restart', () => {
  const dataDir = tempDir();
  {
    const db = openDatabase(dataDir, 'process');
    const cursors = openExportCursors(db);
    expect(cursors.get('file', 'requests')).toBe(0);
    cursors.move('file', 'requests', 500);
    cursors.move('file', 'requests', 1_000);
    cursors.move('file', 'admin_events', 3);
    cursors.move('s3', 'requests', 7);
    db.close();
  }
  const db = openDatabase(dataDir, 'process');
  const cursors = openExportCursors(db);
  const places = ['requests', 'admin_events', 'checkpoints'].map((chain) => [
    cursors.get('file', chain),
    cursors.get('s3', chain),
  ]);
  expect(places).toEqual([
    [1_000, 7],
    [3, 0],
    [0, 0],
  ]);
  db.close();
});
