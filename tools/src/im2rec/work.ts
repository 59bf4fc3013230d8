// The two command lines of im2rec as the same few packing runs: each a list, where its images are, what is
// done to them, and where they go.

import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import type { ImagePlan, Im2recSourceOptions, LabelLayout } from '@millrace/pipeline'
import { CliError } from '../errors.js'
import type { NativeArguments } from './native-arguments.js'

/** One record file to be made. */
export interface Im2recWork {
  readonly list: string
  readonly output: string
  readonly source: Omit<Im2recSourceOptions, 'signal'>
  readonly plan: Partial<ImagePlan>
  readonly layout: LabelLayout
}

/** The packing flags of im2rec.py, as commander hands them over. */
export interface PythonFlags {
  readonly passThrough: boolean
  readonly resize: number
  readonly centerCrop: boolean
  readonly quality: number
  readonly numThread: number
  readonly color: -1 | 0 | 1
  readonly encoding: '.jpg' | '.png'
  readonly packLabel: boolean
}

const colours = { [-1]: 'unchanged', 0: 'grey', 1: 'rgb' } as const
const methods: Readonly<Record<number, ImagePlan['method']>> = { 0: 'nearest', 1: 'bilinear', 2: 'cubic', 3: 'area', 4: 'lanczos4', 9: 'auto', 10: 'random' }

/** What LIST ROOT OUT key=value … asks for. `strict`: with what im2rec.cc itself would do. */
export function nativeWork({ list, root, out, settings }: NativeArguments, strict: boolean): Im2recWork {
  const { nsplit, part, labelWidth, packLabel, unchanged, resize, centerCrop } = settings
  const isCropped = centerCrop && (!strict || resize > 0) // im2rec.cc crops only where it resizes
  return {
    list,
    output: nsplit > 1 ? `${out}.part${`${part}`.padStart(3, '0')}` : out,
    source: {
      flavour: 'im2rec.cc',
      root,
      labelWidth,
      packLabel,
      strictRoot: strict,
      ...(nsplit > 1 && { part: { index: part, count: nsplit } }),
    },
    plan: unchanged ? { encode: { kind: 'original' } } : imagePlan({ ...settings, isCropped, method: methods[settings.interMethod]! }),
    layout: 'im2rec.cc',
  }
}

/** What PREFIX ROOT --flags asks for: a record file beside each of its lists. */
export async function pythonWork(prefix: string, root: string, flags: PythonFlags, strict: boolean): Promise<Im2recWork[]> {
  const lists = await listsOf(resolve(prefix), strict)
  if (lists.length === 0) throw new CliError('CLI_USAGE', `${prefix}: expected ${prefix}.lst or a folder of lists, found none; make one with --list`)
  return lists.map((list) => ({
    list,
    output: `${list.slice(0, -'.lst'.length)}.rec`,
    source: { flavour: 'im2rec.py', root: resolve(root), packLabel: flags.packLabel },
    plan: flags.passThrough ? { encode: { kind: 'original' } } : imagePlan({ ...flags, isCropped: flags.centerCrop, method: 'bilinear' }),
    layout: 'im2rec.py',
  }))
}

interface ImageSettings {
  readonly color: -1 | 0 | 1
  readonly resize: number
  readonly quality: number
  readonly encoding: '.jpg' | '.png'
  readonly isCropped: boolean
  readonly method: ImagePlan['method']
}

function imagePlan({ color, resize, quality, encoding, isCropped, method }: ImageSettings): Partial<ImagePlan> {
  return {
    crop: { kind: isCropped ? 'centre' : 'none' },
    resize: resize > 0 ? { kind: 'shorter-edge', pixels: resize } : { kind: 'none' },
    method,
    colour: colours[color],
    // Both programs hand JPEG's quality to the PNG writer too, which takes 0-9: the default 95 becomes 3 or 9.
    encode: encoding === '.png' ? { kind: 'png', compression: quality > 9 ? 3 : quality } : { kind: 'jpeg', quality: Math.min(100, quality), chroma: '4:2:0' },
  }
}

/**
 * The lists of a prefix: those in it where it is a folder, else PREFIX.lst and PREFIX_….lst. im2rec.py takes
 * every list whose path begins with it, so that `a` packs ab.lst too.
 */
async function listsOf(prefix: string, strict: boolean): Promise<string[]> {
  const isFolder = (await stat(prefix).catch(() => undefined))?.isDirectory() ?? false
  const folder = isFolder ? prefix : dirname(prefix)
  const names = await readdir(folder).catch(() => [])
  const start = isFolder ? '' : basename(prefix)
  const isOurs = (name: string): boolean => strict || isFolder || name === `${start}.lst` || name.startsWith(`${start}_`)
  return names.filter((name) => name.endsWith('.lst') && name.startsWith(start) && isOurs(name)).sort().map((name) => join(folder, name))
}
