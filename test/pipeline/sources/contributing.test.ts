// The worked example of CONTRIBUTING.md: taken from the page, compiled with the package, and run.

import t from 'tap'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import ts from 'typescript'
import { splitSource, type SourceFormat } from '@millrace/pipeline'
import { collect, describe, reason } from '../collect.js'

const root = fileURLToPath(new URL('../../../../', import.meta.url))
const sources = join(root, 'pipeline/src/sources')

/** The blocks of code of a section. */
function readBlocks(section: string): string[] {
  const page = readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8')
  const text = page.slice(page.indexOf(`## ${section}`)).split('\n## ')[0]!
  return [...text.matchAll(/```ts\n(.*?)```/gs)].map(([, code]) => code!)
}

/** What the compiler says of each file, as if they were in the package. */
function check(files: ReadonlyMap<string, string>): string[][] {
  const { options } = ts.getParsedCommandLineOfConfigFile(join(root, 'pipeline/tsconfig.json'), {}, { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => {} })!
  const settings: ts.CompilerOptions = { ...options, noEmit: true, composite: false, incremental: false, skipLibCheck: true }
  const host = ts.createCompilerHost(settings)
  const { fileExists, readFile, getSourceFile } = host
  host.fileExists = (path) => files.has(path) || fileExists(path)
  host.readFile = (path) => files.get(path) ?? readFile(path)
  host.getSourceFile = (path, ...others) => (files.has(path) ? ts.createSourceFile(path, files.get(path)!, ts.ScriptTarget.ES2022) : getSourceFile(path, ...others))
  const program = ts.createProgram([...files.keys()], settings, host)
  return [...files.keys()].map((path) => ts.getPreEmitDiagnostics(program, program.getSourceFile(path)).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n')))
}

/** As JavaScript that takes the rest of the package from where it is built. */
function toScript(code: string): string {
  const built = pathToFileURL(join(root, 'pipeline/dist/sources/')).href
  const { outputText } = ts.transpileModule(code, { compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 } })
  return outputText.replace(/'(\.\.?\/[^']+\.js)'/g, (text, path: string) => (path === './pets.js' ? text : `'${new URL(path, built).href}'`))
}

const blocks = readBlocks('Add a source')
const [source = '', entry = ''] = blocks
const registry = readFileSync(join(sources, 'registry.ts'), 'utf8').replace(/\n}\n*$/, `\n${entry}}\n`)

t.test('the two blocks fit the package', (t) => {
  t.equal(blocks.length, 2)
  const broken = source.replace('count++', "count = 'x'")
  const found = check(new Map([[join(sources, 'pets.ts'), source], [join(sources, 'registry.ts'), registry], [join(sources, 'broken.ts'), broken]]))
  t.match(found, [[], [], [/not assignable/]], 'of the third, the compiler would tell')
  t.same(found.slice(0, 2), [[], []])
  t.end()
})

t.test('and read what they say', async (t) => {
  const folder = t.testdir({
    annotations: { 'trainval.txt': '#Image CLASS-ID SPECIES BREED ID\nAbyssinian_100 1 1 1\nabyssinian\npug_7 2 2 1\n', 'test.txt': 'pug_8 2 2 1\r\n' },
    images: { 'Abyssinian_100.jpg': 'A', 'pug_7.jpg': 'P', 'pug_8.jpg': 'Q' },
    code: {},
  })
  const code = join(folder, 'code')
  mkdirSync(code, { recursive: true })
  writeFileSync(join(code, 'package.json'), '{"type":"module"}')
  writeFileSync(join(code, 'pets.js'), toScript(source))
  writeFileSync(join(code, 'registry.js'), toScript(registry))
  const { sourceFormats } = (await import(pathToFileURL(join(code, 'registry.js')).href)) as { sourceFormats: Record<string, SourceFormat> }
  const format = sourceFormats['pets']!
  const pets = await format.open(folder, {})
  t.same([pets.classNames, await pets.count()], [['Abyssinian', 'pug'], 3])
  t.same(await describe(pets), [[2, 'Abyssinian_100.jpg', 0, 'A'], [3, 'line 3', 0, 'PIPE_LIST'], [4, 'pug_7.jpg', 1, 'P']])
  t.match(await reason((await collect(pets))[1]!), /trainval\.txt: line 3: expected "BREED_NUMBER CLASS SPECIES BREED", found "abyssinian"/)
  const test = await format.open(folder, { split: 'test' })
  t.same([test.classNames, await describe(test)], [['class 0', 'pug'], [[1, 'pug_8.jpg', 1, 'Q']]])
  t.equal((await collect(splitSource(pets, { test: { share: 0.5 }, part: 'train' }))).length, 3)
  writeFileSync(join(folder, 'annotations/test.txt'), '')
  await t.rejects(format.open(folder, { split: 'test' }), { code: 'PIPE_EMPTY' })
})
