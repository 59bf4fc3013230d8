// `millrace list FOLDER PREFIX`: list files and class names from a folder of class folders.

import { Command, InvalidArgumentError, Option } from 'commander'
import type { ListFolderReport, Part } from '@millrace/pipeline'
import { CliError } from '../errors.js'
import { parseShare, parseWhole } from '../number-options.js'
import type { CommandFactory } from '../program.js'

interface ListFlags {
  readonly val?: number
  readonly valCount?: number
  readonly test?: number
  readonly testCount?: number
  readonly seed: number
  readonly shuffle: boolean
  readonly classes?: string
  readonly exts: readonly string[]
  readonly recursive: boolean
  readonly followLinks: boolean
  readonly json: boolean
}

/** So many names are shown; --json lists all. */
const maxShownNames = 10

export const listCommand: CommandFactory = (signal) =>
  new Command('list')
    .description('Make .lst files from a folder with a folder of images for each class; the label is the place of the class among the sorted names.')
    .argument('<folder>', 'the folder that holds the class folders')
    .argument('<prefix>', 'writes PREFIX.lst (or PREFIX_train.lst, PREFIX_val.lst, PREFIX_test.lst) and PREFIX.classes.txt')
    .option('--val <share>', 'share of each class that goes to validation (default: none)', parseShare)
    .option('--val-count <images>', 'so many of each class instead (default: none)', parseWhole)
    .option('--test <share>', 'share of each class that goes to test (default: none)', parseShare)
    .option('--test-count <images>', 'so many of each class instead (default: none)', parseWhole)
    .option('--seed <number>', 'another seed gives other parts in another order', parseWhole, 42)
    .option('--no-shuffle', 'keep the order of classes and names (default: shuffle each list)')
    .option('--classes <file>', 'names of the classes in order, one a line; other folders are left out (default: all folders, sorted)')
    .addOption(new Option('--exts <list>', 'endings of image files').argParser(parseExtensions).default(['.jpg', '.jpeg', '.png', '.webp'], '.jpg,.jpeg,.png,.webp'))
    .option('--recursive', 'also take the images in folders inside a class folder', false)
    .option('--follow-links', 'follow links to files and folders', false)
    .option('--json', 'print the report as one JSON document', false)
    .action((folder: string, prefix: string, flags: ListFlags) => list(folder, prefix, flags, signal))

async function list(folder: string, prefix: string, flags: ListFlags, signal: AbortSignal): Promise<void> {
  const validation = partOf('val', flags.val, flags.valCount)
  const test = partOf('test', flags.test, flags.testCount)
  const { listFolder, readClassNames } = await import('@millrace/pipeline') // here, so that other commands start without it
  const report = await listFolder(folder, prefix, {
    ...(validation && { validation }),
    ...(test && { test }),
    ...(flags.classes !== undefined && { classNames: await readClassNames(flags.classes) }),
    extensions: flags.exts,
    recursive: flags.recursive,
    followLinks: flags.followLinks,
    seed: flags.seed,
    shuffle: flags.shuffle,
    signal,
  })
  process.stdout.write(flags.json ? `${JSON.stringify({ folder, ...report }, null, 2)}\n` : `${describe(report).join('\n')}\n`)
  if (report.rejected.length > 0) process.exitCode = 3
}

function partOf(name: string, share: number | undefined, count: number | undefined): Part | undefined {
  if (share !== undefined && count !== undefined) throw new CliError('CLI_USAGE', `--${name} and --${name}-count say the same in two ways; give one of them`)
  return share !== undefined ? { share } : count !== undefined ? { count } : undefined
}

function describe({ lists, classesPath, classes, ignored, unknownFolders, rejected }: ListFolderReport): string[] {
  const emptyClasses = classes.filter(({ images }) => images === 0).map(({ name }) => name)
  const passedOver = [
    [ignored.hidden, 'hidden'],
    [ignored.otherFiles, 'with another ending'],
    [ignored.outsideClasses, 'images outside the class folders'],
    [ignored.innerFolders, 'folders inside class folders (--recursive takes them)'],
    [ignored.links, 'links (--follow-links takes those that lead somewhere)'],
  ].filter(([count]) => count !== 0).map(([count, what]) => `${count} ${what}`)
  return [
    ...lists.map(({ path, images }) => `${path}: ${images} images`),
    `${classesPath}: ${classes.length} classes`,
    ...(emptyClasses.length > 0 ? [`without images: ${shorten(emptyClasses)}`] : []),
    ...(unknownFolders.length > 0 ? [`folders of no class: ${shorten(unknownFolders)}`] : []),
    ...(passedOver.length > 0 ? [`passed over: ${passedOver.join(', ')}`] : []),
    ...rejected.map(({ path, reason }) => `rejected ${JSON.stringify(path)}: ${reason}`),
  ]
}

function shorten(names: readonly string[]): string {
  const shown = names.slice(0, maxShownNames).join(', ')
  return names.length > maxShownNames ? `${shown} and ${names.length - maxShownNames} more` : shown
}

function parseExtensions(text: string): string[] {
  const extensions = text.split(',').map((each) => each.trim()).filter((each) => each !== '').map((each) => (each.startsWith('.') ? each : `.${each}`))
  if (extensions.length === 0) throw new InvalidArgumentError('Expected endings such as .jpg,.png.')
  return extensions
}
