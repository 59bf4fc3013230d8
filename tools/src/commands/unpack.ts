// `millrace unpack FILE.rec FOLDER`: records as image files again, with a list that packs them back.

import { Command, Option } from 'commander'
import { createProgress } from '../progress.js'
import type { CommandFactory } from '../program.js'

interface UnpackFlags {
  readonly labelKind?: 'class' | 'values' | 'digits' | 'boxes'
  readonly flat: boolean
  readonly json: boolean
  readonly quiet: boolean
}

export const unpackCommand: CommandFactory = (signal) =>
  new Command('unpack')
    .description('Write the images of a record file into a folder, with a list that packs back to the same records.')
    .argument('<file.rec>', 'the record file')
    .argument('<folder>', 'the folder to make; an existing one must be empty')
    .addOption(new Option('--label-kind <kind>', 'what the labels are; a class gets a folder (default: as the .meta says, else by the first record)').choices(['class', 'values', 'digits', 'boxes']))
    .option('--flat', 'put all images into the one folder', false)
    .option('--json', 'print the report as one JSON document', false)
    .option('--quiet', 'show no progress', false)
    .action((input: string, folder: string, flags: UnpackFlags) => run(input, folder, flags, signal))

async function run(input: string, folder: string, { json, quiet, ...given }: UnpackFlags, signal: AbortSignal): Promise<void> {
  const { unpackRecords } = await import('@millrace/pipeline') // here, so that other commands start without it
  const progress = createProgress('unpack', { quiet })
  try {
    const report = await unpackRecords({ ...given, input, folder, signal, onProgress: (images) => progress.update(images) })
    progress.done()
    const { images, classFolders, listPath } = report
    const where = classFolders > 0 ? `${folder}, in ${classFolders} class folders` : folder
    process.stdout.write(json ? `${JSON.stringify({ input, folder, ...report }, null, 2)}\n` : `unpacked ${images} images into ${where}\nlist: ${listPath}\n`)
  } catch (error) {
    progress.done()
    throw error
  }
}
