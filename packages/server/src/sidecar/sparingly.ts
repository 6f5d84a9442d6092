// A sentence for the operator each time something is turned away would let whoever knocks fill the log.

/** Says the first, second, fourth, eighth … of a kind, with how many there were. */
export function sparingly(say: (sentence: string) => void): (kind: string) => void {
  const counts = new Map<string, number>();
  const kindsMax = 100;
  return (kind) => {
    const count = (counts.get(kind) ?? 0) + 1;
    if (counts.size >= kindsMax) counts.clear();
    counts.set(kind, count);
    if ((count & (count - 1)) === 0) say(count === 1 ? kind : `${kind} (${count} times)`);
  };
}
