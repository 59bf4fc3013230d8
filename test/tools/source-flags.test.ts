// The flags that choose among the samples of a data set, and the list of formats.

import t, { type Test } from 'tap'
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('../../../tools/bin/millrace.js', import.meta.url))

interface Preview {
  readonly samples: number
  readonly first: readonly { readonly key: string; readonly label: unknown; readonly code?: string }[]
}

function millrace(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], { encoding: 'utf8' })
  return { status, stdout, stderr }
}

/** What would be packed. */
function preview(t: Test, path: string, ...flags: string[]): readonly [samples: number, ...keys: string[]] {
  const { status, stdout, stderr } = millrace('pack', path, 'x.rec', '--dry-run', '--json', '--quiet', ...flags)
  if (status !== 0) t.fail(stderr)
  const { samples, first } = JSON.parse(stdout) as Preview
  return [samples, ...first.map(({ key }) => key)]
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
  const tree = `${folder}/tree`
  t.equal(preview(t, tree, '--classes', 'eel,cat')[0], 20)
  t.equal(preview(t, tree, '--split-shares', 'train=0.7,val=0.1,test=0.2', '--split', 'test')[0], 6)
  t.equal(preview(t, tree, '--split-shares', 'train=0.7,val=0.1,test=0.2', '--split', 'train')[0], 21)
  t.equal(preview(t, tree, '--split-shares', 'test=3-per-class', '--split', 'test', '--seed', '7', '--classes', 'cat,dog')[0], 6)
  t.same(preview(t, `${folder}/table.csv`, '--where', 'part=a'), [2, 'x.png', 'z.png'])
  t.same(preview(t, `${folder}/table.csv`, '--where', 'part=a', '--where', 'label=dog', '--limit', '5'), [1, 'z.png'])
  const wrong: [string[], RegExp][] = [
    [[tree, '--split-shares', 'test=0.2'], /say which part is wanted with --split train, val or test\n/],
    [[tree, '--split-shares', 'test=0.2', '--split', 'part-7'], /not part-7/],
    [[tree, '--split-of', 'train'], /--split-of names the part that --split-shares divides/],
    [[tree, '--split-shares', 'test=2', '--split', 'test'], /test=50-per-class/],
    [[tree, '--split-shares', 'train=0.5,test=0.2', '--split', 'test'], /add up to 1/],
    [[tree, '--split-shares', 'test=0.1,test=0.2', '--split', 'test'], /once/],
    [[tree, '--where', 'part=a'], /--format folder does not read --where/],
    [[`${folder}/table.csv`, '--where', 'part'], /Usage=Training/],
    [[tree, '--classes', 'cat,,dog'], /names with commas/],
    [[`${tree}/cat/1.png`], /name its format with --format/],
    [[tree, '--format', 'tape'], /expected one of .*found tape; "millrace formats"/],
  ]
  for (const [args, message] of wrong) t.match(millrace('pack', args[0]!, 'x.rec', '--dry-run', ...args.slice(1)), { status: 2, stderr: message }, args.slice(1).join(' '))
  t.match(millrace('pack', tree, 'x.rec', '--dry-run', '--classes', 'ant'), { status: 1, stderr: /PIPE_OPTION: classes: expected names of the data set's 3 classes \(cat, dog, eel\), found "ant"/ })
  t.match(millrace('pack', tree, 'x.rec', '--dry-run', '--split', 'test'), { status: 2, stderr: /--format folder does not read --split/ })
})

t.test('a format that is certain needs no flag; one that does not read the flags is none', async (t) => {
  const folder = t.testdir({ 'GT-final_test.csv': 'Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId\na.ppm;9;9;1;1;8;8;14\n' })
  const { stderr, stdout } = millrace('pack', `${folder}/GT-final_test.csv`, 'x.rec', '--dry-run')
  t.equal(stderr, 'format: gtsrb (--format names another)\n')
  t.match(stdout, /would pack 1 images/)
  t.match(millrace('pack', `${folder}/GT-final_test.csv`, 'x.rec', '--dry-run', '--image-column', 'Filename', '--label-columns', 'ClassId').stderr, /^format: csv/)
})
