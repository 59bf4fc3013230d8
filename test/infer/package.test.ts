// The package runs anywhere because it depends on nothing: not in package.json, not in its code, and on
// Node's own modules only where files are read and written and threads started.

import t from 'tap'
import { readdirSync, readFileSync } from 'node:fs'
import * as infer from '@millrace/infer'

const packageFolder = new URL('../../../infer/', import.meta.url)

t.test('no dependencies of any kind', (t) => {
  const description = JSON.parse(readFileSync(new URL('package.json', packageFolder), 'utf8')) as Record<string, object | undefined>
  for (const kind of ['dependencies', 'peerDependencies', 'optionalDependencies', 'bundleDependencies', 'scripts']) t.same(Object.keys(description[kind] ?? {}), [], kind)
  t.end()
})

t.test('imports lead to its own files, or to node: where files are read and written and threads started', (t) => {
  const dist = new URL('dist/', packageFolder)
  const withNode: string[] = []
  for (const name of readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.js'))) {
    const code = readFileSync(new URL(name, dist), 'utf8')
    const imports = [...code.matchAll(/(?:from|import)\s*\(?\s*['"]([^'"]+)['"]/g)].map((match) => match[1]!)
    t.same(imports.filter((path) => !path.startsWith('./') && !path.startsWith('../') && !path.startsWith('node:') && !['#read-folder', '#worker', '#write-folder'].includes(path)), [], name)
    if (imports.some((path) => path.startsWith('node:'))) withNode.push(name)
  }
  t.same(withNode.sort(), ['read-folder.js', 'runtime/replica-entry.js', 'runtime/worker.js', 'write-folder.js'])
  t.end()
})

t.test('the public names', (t) => {
  t.same(Object.keys(infer).sort(), [
    'InferError', 'applyPreprocessStep', 'checkWeights', 'createModel', 'createPool', 'decodeDigits', 'decodeSafetensors', 'encodeSafetensors',
    'imageTensor', 'inferErrorCodes', 'inferShapes', 'loadModel', 'nodeInputs', 'nodeShape', 'parseGraph', 'preprocessImage', 'readModelFolder', 'runReference',
    'saveModel', 'weightSpecs',
  ])
  t.end()
})
