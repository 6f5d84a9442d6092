// Plain pages for the moments when the OAuth library talks to a person by itself. The people room may bring its own.

import type { Pages } from './people-port.ts';

export const PLAIN_PAGES: Pages = {
  typeCode: ({ form, problem }) =>
    page(
      'Enter the code',
      `<h1>Enter the code</h1><p>${escaped(problem ?? 'The program that waits for you shows it.')}</p>${form}
      <button type="submit" form="op.deviceInputForm">Continue</button>`,
    ),
  confirmCode: ({ form, client, code }) =>
    page(
      'Is this you?',
      `<h1>Is this you?</h1>
      <p><strong>${escaped(client)}</strong> asks to act for you. It should show this code:</p>
      <p><code>${escaped(code)}</code></p>
      <p>If you did not start this, or the code differs, say no.</p>${form}
      <button type="submit" form="op.deviceConfirmForm">Continue</button>
      <button type="submit" form="op.deviceConfirmForm" name="abort" value="yes">No</button>`,
    ),
  deviceDone: ({ client }) =>
    page('Done', `<h1>Done</h1><p>You can go back to ${escaped(client)} and close this page.</p>`),
  failed: ({ error, says }) =>
    page('That did not work', `<h1>That did not work</h1><p>${escaped(says)}</p><p><code>${escaped(error)}</code></p>`),
};

function page(title: string, body: string): string {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escaped(title)} · Writ</title><style>body{font:1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:4rem auto;padding:0 1rem}
code{font-size:1.25rem}</style><main>${body}</main></html>`;
}

export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}
