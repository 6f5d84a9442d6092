// `like`: literal text with `*` for anything, also nothing. Greedy from the left, so the work is bounded by pattern times
// text. On well-formed strings UTF-16 units and characters give the same answer.

/** An element of a pattern in Cedar's JSON. */
export type PatternElement = 'Wildcard' | { readonly Literal: string };

export function patternOf(elements: readonly PatternElement[]): (text: string) => boolean {
  const pieces = [''];
  for (const element of elements) {
    if (element === 'Wildcard') pieces.push('');
    else pieces[pieces.length - 1] += element.Literal;
  }
  const first = pieces.shift()!;
  const last = pieces.pop();
  if (last === undefined) return (text) => text === first;
  const between = pieces.filter((piece) => piece !== '');
  return (text) => {
    if (!text.startsWith(first) || !text.endsWith(last)) return false;
    let at = first.length;
    for (const piece of between) {
      const found = text.indexOf(piece, at);
      if (found < 0) return false;
      at = found + piece.length;
    }
    return at + last.length <= text.length;
  };
}
