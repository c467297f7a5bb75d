/** Text of a driver or a tool, fit for one line of a terminal or a label: short, no controls. */
export function toOneLine(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, '')
    .trim()
    .slice(0, 96);
}
