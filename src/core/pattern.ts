const STAR = 42;

/**
 * Whether a name matches a pattern where `*` stands for any characters, none included. Case
 * matters. Takes at most pattern × name steps: only the last star is ever tried again, so there
 * is no input on which it explodes.
 */
export function matchesPattern(pattern: string, name: string): boolean {
  let at = 0;
  let inName = 0;
  let afterStar = -1;
  let starTook = 0;
  while (inName < name.length) {
    if (pattern.charCodeAt(at) === STAR) {
      at += 1;
      afterStar = at;
      starTook = inName;
    } else if (at < pattern.length && pattern.charCodeAt(at) === name.charCodeAt(inName)) {
      at += 1;
      inName += 1;
    } else if (afterStar !== -1) {
      starTook += 1;
      at = afterStar;
      inName = starTook;
    } else {
      return false;
    }
  }
  while (pattern.charCodeAt(at) === STAR) at += 1;
  return at === pattern.length;
}
