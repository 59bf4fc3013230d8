// Where the files of an ImageNet folder lie: in the tree of the devkit, in Kaggle's, or side by side.
//
//   ImageSets/CLS-LOC/   train_cls.txt, val.txt              (Kaggle: ILSVRC/ImageSets/CLS-LOC/)
//   devkit/data/         map_clsloc.txt, ILSVRC2015_clsloc_validation_ground_truth.txt and _blacklist.txt
//   Data/CLS-LOC/        train/WNID/NAME.JPEG, val/NAME.JPEG (Kaggle: ILSVRC/Data/CLS-LOC/)
//   .                    Kaggle: LOC_synset_mapping.txt, LOC_val_solution.csv, beside ILSVRC/

import { readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { PipelineError } from '../errors.js'
import { isFolder } from '../providers/open-images.js'

export interface ImageNetFiles {
  readonly list: string
  /** Whether it is the list of the validation images. */
  readonly isValidation: boolean
  readonly classes: { readonly path: string; readonly hasNumbers: boolean }
  /** Validation labels by image number, or by name. */
  readonly labels?: { readonly path: string; readonly kind: 'ground truth' | 'solution' }
  readonly blacklist?: string
  /** Data/CLS-LOC, or where everything is. */
  readonly images: string
}

const lists = { train: /^train_cls\.txt$/, val: /^val\.txt$/ }
const mapNames = { kit: /^map_clsloc\.txt$/, kaggle: /^LOC_synset_mapping\.txt$/ }
const truthName = /^ILSVRC\d{4}(?:_clsloc)?_validation_ground_truth\.txt$/
const solutionName = /^LOC_val_solution\.csv$/
const blacklistName = /^ILSVRC\d{4}(?:_clsloc)?_validation_blacklist\.txt$/

/**
 * Looks for the files. `path`: the folder, or a list in it. `split`: 'train' or 'val'; by default what the
 * named list is, else 'train'.
 * @throws PipelineError PIPE_SOURCE_MISSING naming the file that is not there; PIPE_OPTION for another
 *   split, or where several files could be meant
 */
export async function findImageNetFiles(path: string, split: string | undefined): Promise<ImageNetFiles> {
  const isInFolder = await isFolder(path)
  const isValidation = isValidationSplit(path, isInFolder, split)
  const top = isInFolder ? path : dirname(path).replace(/[\\/]ImageSets[\\/]CLS-LOC$/, '')
  const folders = await searchedFolders(top, isInFolder ? [] : [dirname(path)])
  const list = isInFolder ? findNeeded(path, folders, isValidation ? lists.val : lists.train) : path
  const kitMap = find(folders, mapNames.kit)
  const classes = kitMap === undefined ? { path: findNeeded(path, folders, mapNames.kaggle, mapNames.kit), hasNumbers: false } : { path: kitMap, hasNumbers: true }
  const common = { list, isValidation, classes, images: await findImages(top) }
  if (!isValidation) return common
  const truth = kitMap === undefined ? undefined : find(folders, truthName) // its numbers mean nothing without the map
  const blacklist = find(folders, blacklistName)
  return {
    ...common,
    labels: truth === undefined ? { path: findNeeded(path, folders, solutionName, truthName), kind: 'solution' } : { path: truth, kind: 'ground truth' },
    ...(blacklist !== undefined && { blacklist }),
  }
}

function isValidationSplit(path: string, isInFolder: boolean, split: string | undefined): boolean {
  const named = isInFolder ? undefined : /^val/i.test(basename(path)) ? 'val' : 'train'
  const wanted = split ?? named ?? 'train'
  if (wanted !== 'train' && wanted !== 'val') throw new PipelineError('PIPE_OPTION', `split: expected train or val, found ${JSON.stringify(split)}`)
  if (named !== undefined && wanted !== named) throw new PipelineError('PIPE_OPTION', `split: expected ${named}, the part that ${path} lists, found ${wanted}; name the folder of the data set instead`, { path })
  return wanted === 'val'
}

interface Folder {
  readonly path: string
  readonly names: readonly string[]
}

/** What lies where a file of the data set may lie, the likeliest folders first. */
async function searchedFolders(top: string, first: readonly string[]): Promise<Folder[]> {
  const inside = [top, join(top, 'ILSVRC')].flatMap((base) => ['', 'ImageSets/CLS-LOC', 'devkit/data'].map((place) => join(base, place)))
  const folders = await Promise.all([...first, ...inside].map(listFolder))
  const above = await listFolder(join(top, '..')) // Kaggle's tables, where the path is its ILSVRC/
  return [...folders, { ...above, names: above.names.filter((name) => name.startsWith('LOC_')) }]
}

async function listFolder(path: string): Promise<Folder> {
  return { path, names: await readdir(path).catch(() => []) }
}

function find(folders: readonly Folder[], name: RegExp): string | undefined {
  for (const { path, names } of folders) {
    const [found, another] = names.filter((each) => name.test(each))
    if (another !== undefined) throw new PipelineError('PIPE_OPTION', `${path}: expected only one of ${found} and ${another}, found both; take away the one of another year`, { path })
    if (found !== undefined) return join(path, found)
  }
  return undefined
}

/** The first that there is. */
function findNeeded(path: string, folders: readonly Folder[], ...names: readonly RegExp[]): string {
  for (const name of names) {
    const found = find(folders, name)
    if (found !== undefined) return found
  }
  const wanted = names.map((name) => name.source.replace(/[$^\\]|\(\?:|\)\??/g, '').replace('d{4}', '2015')).join(' or ')
  throw new PipelineError('PIPE_SOURCE_MISSING', `${path}: expected ${wanted} there, in ImageSets/CLS-LOC or in devkit/data, found none; name the folder of the data set, or add the file`, { path })
}

async function findImages(top: string): Promise<string> {
  for (const base of [top, join(top, 'ILSVRC')]) {
    const images = join(base, 'Data', 'CLS-LOC')
    if ((await listFolder(images)).names.length > 0) return images
  }
  return top
}
