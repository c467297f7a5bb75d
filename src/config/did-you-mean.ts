/**
 * The known name that a wrong one was most likely meant to be, or undefined when nothing is near.
 * Case and `-`/`_` count for nothing, so `apiKey` finds `api_key`.
 */
export function findNearest(wrong: string, known: Iterable<string>): string | undefined {
  // Beyond this no typing error is plausible, and the distance is quadratic in length.
  if (wrong.length > 64) return undefined;
  const plainWrong = plain(wrong);
  let nearest: string | undefined;
  let nearestDistance = Math.max(1, Math.floor(plainWrong.length / 3)) + 1;
  for (const name of known) {
    if (name.length > 64) continue;
    const distance = editDistance(plainWrong, plain(name));
    if (distance < nearestDistance) {
      nearest = name;
      nearestDistance = distance;
    }
  }
  return nearest;
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[-_]/g, '');
}

/** Damerau-Levenshtein (optimal string alignment): swapped neighbours count once. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const substituted = (last[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      let best = Math.min((last[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1, substituted);
      const swapped = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (swapped && row > 1 && column > 1) {
        best = Math.min(best, (beforeLast[column - 2] ?? 0) + 1);
      }
      current.push(best);
    }
    beforeLast = last;
    last = current;
  }
  return last[b.length] ?? 0;
}
