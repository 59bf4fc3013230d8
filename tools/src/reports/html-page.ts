// A page in one file that asks nothing of the network: its policy forbids every request, and every script
// but its own, so that names out of a data set cannot act even if one were not escaped.

import { createHash } from 'node:crypto'

export interface HtmlPage {
  readonly title: string
  readonly style: string
  /** Of <body>, escaped already. */
  readonly body: string
  readonly script?: string
}

/** Text as it may stand between tags and in attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

/** Content Security Policy 3: the script is named by its digest. */
export function renderPage({ title, style, body, script }: HtmlPage): string {
  const digest = script === undefined ? "'none'" : `'sha256-${createHash('sha256').update(script).digest('base64')}'`
  const policy = `default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src ${digest}; base-uri 'none'; form-action 'none'`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<style>${colours}${style}</style>
</head>
<body>
${body}
${script === undefined ? '' : `<script>${script}</script>\n`}</body>
</html>
`
}

const colours = `
:root { color-scheme: light dark; --paper: #ffffff; --card: #f4f4f1; --ink: #23252a; --faint: #5d6068; --line: #d9d9d4; --accent: #2f6fc4; --bad: #b3261e }
@media (prefers-color-scheme: dark) {
  :root { --paper: #17181b; --card: #222428; --ink: #e7e7e4; --faint: #a3a6ad; --line: #3a3d43; --accent: #7cb0f5; --bad: #ff8a80 }
}
* { box-sizing: border-box }
body { margin: 0 auto; padding: 24px; background: var(--paper); color: var(--ink); font: 15px/1.45 system-ui, sans-serif }
h1 { font-size: 22px; margin: 0 0 4px }
p { margin: 4px 0; color: var(--faint) }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
`
