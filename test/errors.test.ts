// docs/errors.md lists every error code of every package, and none that does not exist.

import t from 'tap'
import { readFileSync } from 'node:fs'
import { recordErrorCodes } from '@millrace/recordio'
import { pipelineErrorCodes } from '@millrace/pipeline'
import { inferErrorCodes } from '@millrace/infer'
import { trainErrorCodes } from '@millrace/train'
import { cliErrorCodes } from 'millrace'

t.test('docs/errors.md and the code name the same errors', (t) => {
  const page = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8')
  const documented = [...page.matchAll(/^\| `([A-Z_0-9]+)` \|/gm)].map((match) => match[1])
  const thrown = [recordErrorCodes, pipelineErrorCodes, inferErrorCodes, trainErrorCodes, cliErrorCodes].flatMap(Object.keys)
  t.same([...documented].sort(), [...thrown].sort())
  t.end()
})
