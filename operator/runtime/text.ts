/**
 * The text, at most `most` characters of it. What it is cut from may not be whole characters: half of one is replaced as
 * the API server would, or what is stored would differ from what was written at each look.
 */
export function clipped(text: string, most: number): string {
  return text.slice(0, most).toWellFormed();
}
