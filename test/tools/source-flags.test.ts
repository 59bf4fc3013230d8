// The flags that choose among the samples of a data set, and the list of formats.

import t from 'tap'
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { addSourceFlags, openFlaggedSource, pickSourceFlags, type OpenedSource } from 'millrace'
import { collect } from '../pipeline/collect.js'

const program = fileURLToPath(new URL('../../../tools/bin/millrace.js', import.meta.url))

function millrace(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], { encoding: 'utf8' })
  return { status, stdout, stderr }
}

/** What a command with these flags opens. */
async function open(path: string, ...flags: string[]): Promise<OpenedSource> {
  const command = new Command().exitOverride().configureOutput({ writeErr: () => {} })
  addSourceFlags(command)
  command.parse(flags, { from: 'user' })
  return openFlaggedSource(path, pickSourceFlags({ ...command.opts(), ...{ other: 1 } }), new AbortController().signal)
}

async function count(path: string, ...flags: string[]): Promise<number> {
  return (await open(path, ...flags)).source.count()
}

t.test('formats: every flag that one reads is one that pack has', async (t) => {
  const { stdout, status } = millrace('formats', '--json')
  t.equal(status, 0)
  const formats = JSON.parse(stdout) as { name: string; flags: string[] }[]
  t.ok(formats.some(({ name }) => name === 'csv'))
  const help = millrace('pack', '--help').stdout
  for (const { name, flags } of formats) {
    for (const flag of flags) if (!new RegExp(`^ +${flag}\\b`, 'm').test(help)) t.fail(`${name}: ${flag} is not in pack --help`)
  }
  t.match(millrace('formats', 'lisa').stdout, /^lisa: .*\n {2}path {3}allAnnotations\.csv\n {2}split {2}train, test \(drawn at random: test 0\.25, the rest is train\)\n {2}flags .*--bad-boxes/)
  t.match(millrace('formats', 'tape'), { status: 2, stderr: /expected one of .*csv.*found tape/ })
})

t.test('classes, parts and rows', async (t) => {
  const images = Object.fromEntries(Array.from({ length: 10 }, (_, index) => [`${index}.png`, 'x']))
  const folder = t.testdir({ tree: { cat: { ...images }, dog: { ...images }, eel: { ...images } }, 'table.csv': 'image,label,part\nx.png,cat,a\ny.png,dog,b\nz.png,dog,a\n' })
  const [tree, table] = [`${folder}/tree`, `${folder}/table.csv`]
  t.equal(await count(tree, '--classes', 'eel,cat'), 20)
  t.equal(await count(tree, '--split-shares', 'train=0.7,val=0.1,test=0.2', '--split', 'test'), 6)
  t.equal(await count(tree, '--split-shares', 'train=0.7,val=0.1,test=0.2', '--split', 'train'), 21)
  t.equal(await count(tree, '--split-shares', 'test=3-per-class', '--split', 'test', '--seed', '7', '--classes', 'cat,dog'), 6)
  t.same((await collect((await open(table, '--where', 'part=a')).source)).map(({ key }) => key), ['x.png', 'z.png'])
  t.equal(await count(table, '--where', 'part=a', '--where', 'label=dog'), 1)
  t.same((await open(table, '--where', 'part=a')).identity['options'], { where: [{ column: 'part', value: 'a' }] }, 'a resumed run must agree')
})

t.test('wrong usage says what is right', async (t) => {
  const folder = t.testdir({ tree: { cat: { 'a.png': 'x' }, dog: { 'b.png': 'x' } }, 'table.csv': 'image,label,part\nx.png,cat,a\n' })
  const [tree, table] = [`${folder}/tree`, `${folder}/table.csv`]
  const wrong: [string[], RegExp][] = [
    [[tree, '--split-shares', 'test=0.2'], /say which part is wanted with --split train, val or test$/],
    [[tree, '--split-shares', 'test=0.2', '--split', 'part-7'], /not part-7/],
    [[tree, '--split-of', 'train'], /--split-of names the part that --split-shares divides/],
    [[tree, '--split-shares', 'test=2', '--split', 'test'], /test=50-per-class/],
    [[tree, '--split-shares', 'train=0.5,test=0.2', '--split', 'test'], /add up to 1/],
    [[tree, '--split-shares', 'test=0.1,test=0.2', '--split', 'test'], /once/],
    [[tree, '--where', 'part=a'], /--format folder does not read --where/],
    [[tree, '--split', 'test'], /--format folder does not read --split; leave it out, divide the data set with --split-shares/],
    [[table, '--where', 'part'], /Usage=Training/],
    [[tree, '--classes', 'cat,,dog'], /names with commas/],
    [[tree, '--classes', 'ant'], /classes: expected names of the data set's 2 classes \(cat, dog\), found "ant"/],
    [[`${tree}/cat/a.png`], /name its format with --format/],
    [[tree, '--format', 'tape'], /expected one of .*found tape; "millrace formats"/],
  ]
  for (const [[path, ...flags], message] of wrong) await t.rejects(open(path!, ...flags), { message }, flags.join(' '))
  t.match(millrace('pack', tree, 'x.rec', '--dry-run', '--where', 'part=a'), { status: 2, stderr: /error CLI_USAGE: --format folder/ })
})

t.test('a format that is certain needs no flag; one that does not read the flags is none', async (t) => {
  const folder = t.testdir({ 'GT-final_test.csv': 'Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId\na.ppm;9;9;1;1;8;8;14\n' })
  const path = `${folder}/GT-final_test.csv`
  t.match(await open(path), { format: 'gtsrb', isGuessed: true })
  t.match(await open(path, '--image-column', 'Filename', '--label-columns', 'ClassId'), { format: 'csv', isGuessed: true })
  t.match(await open(path, '--format', 'gtsrb'), { isGuessed: false })
  await t.rejects(open(path, '--split', 'test'), { code: 'CLI_USAGE', message: /^--format gtsrb does not read --split;/ })
  const { stderr, stdout } = millrace('pack', path, 'x.rec', '--dry-run', '--limit', '1')
  t.equal(stderr, 'format: gtsrb (--format names another)\n')
  t.match(stdout, /would pack up to 1 images .*; of the first 1, 1 cannot be packed\n  a\.ppm: PIPE_IMAGE_MISSING/)
})
