// A text that stands for a secret in one task (rules §5): issued where an answer was masked, put back only as a whole value, only in
// an argument of the server whose credential it is, and only in the task it was issued to. The text itself says nothing.

export interface Placeholders {
  /** The same text for the same credential in the same task. */
  issue(task: string, credential: string): string;
  /** Which credential it stands for there; null: nobody issued it to that task. */
  credentialOf(text: string, task: string): string | null;
}

const begin = 'writ-secret:';
const tasksMax = 1000;

/** Has it the form of one, whoever made it? */
export function isPlaceholder(text: string): boolean {
  return text.startsWith(begin);
}

export function createPlaceholders(newId: () => string): Placeholders {
  const byTask = new Map<string, Map<string, string>>();
  return {
    issue(task, credential) {
      const issued = byTask.get(task) ?? new Map<string, string>();
      byTask.set(task, issued);
      // Those of the task opened longest ago are forgotten first, and then stand for nothing.
      if (byTask.size > tasksMax) byTask.delete(byTask.keys().next().value!);
      for (const [text, name] of issued) if (name === credential) return text;
      const text = `${begin}${newId()}`;
      issued.set(text, credential);
      return text;
    },
    credentialOf: (text, task) => byTask.get(task)?.get(text) ?? null,
  };
}
