// The arguments of MXNet's im2rec program (tools/im2rec.cc): LIST ROOT OUT [key=value …].

import { CliError } from '../errors.js'

/** Every key with its default. */
export interface NativeSettings {
  /** -1 as stored with alpha, 0 grey, 1 colour. */
  readonly color: -1 | 0 | 1
  /** Pixels of the shorter edge; -1: as the image is. */
  readonly resize: number
  readonly labelWidth: number
  readonly packLabel: boolean
  readonly nsplit: number
  readonly part: number
  readonly centerCrop: boolean
  readonly quality: number
  readonly encoding: '.jpg' | '.png'
  /** OpenCV's 0-4, 9 automatic, 10 random. */
  readonly interMethod: number
  /** The bytes as they are; all else is ignored. */
  readonly unchanged: boolean
}

export interface NativeArguments {
  readonly list: string
  readonly root: string
  readonly out: string
  readonly settings: NativeSettings
  /** Keys that mean nothing; im2rec.cc passes over them without a word. */
  readonly unknown: readonly string[]
}

const defaults: NativeSettings = {
  color: 1,
  resize: -1,
  labelWidth: 1,
  packLabel: false,
  nsplit: 1,
  part: 0,
  centerCrop: false,
  quality: 95,
  encoding: '.jpg',
  interMethod: 1,
  unchanged: false,
}

const interMethods: readonly number[] = [0, 1, 2, 3, 4, 9, 10]

/** @throws CliError CLI_USAGE for a value that cannot be */
export function parseNativeArguments([list = '', root = '', out = '', ...pairs]: readonly string[]): NativeArguments {
  const values = new Map<string, string>()
  const unknown: string[] = []
  for (const pair of pairs) {
    const match = /^([^=]+)=(\S+)$/.exec(pair)
    if (match && keys.has(match[1]!)) values.set(match[1]!, match[2]!)
    else unknown.push(pair)
  }
  const whole = (key: string, fallback: number): number => parseWhole(key, values.get(key), fallback)
  const settings: NativeSettings = {
    color: whole('color', defaults.color) as NativeSettings['color'],
    resize: whole('resize', defaults.resize),
    labelWidth: whole('label_width', defaults.labelWidth),
    packLabel: whole('pack_label', 0) !== 0,
    nsplit: whole('nsplit', defaults.nsplit),
    part: whole('part', defaults.part),
    centerCrop: whole('center_crop', 0) !== 0,
    quality: whole('quality', defaults.quality),
    encoding: (values.get('encoding') ?? defaults.encoding) as NativeSettings['encoding'],
    interMethod: whole('inter_method', defaults.interMethod),
    unchanged: whole('unchanged', 0) !== 0,
  }
  check(settings)
  return { list, root, out, settings, unknown }
}

const keys: ReadonlySet<string> = new Set(['color', 'resize', 'label_width', 'pack_label', 'nsplit', 'part', 'center_crop', 'quality', 'encoding', 'inter_method', 'unchanged'])

function parseWhole(key: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback
  if (!/^[+-]?\d{1,9}$/.test(text)) throw wrong(key, 'a whole number', text)
  return Number(text)
}

function check({ color, labelWidth, packLabel, nsplit, part, encoding, interMethod, quality }: NativeSettings): void {
  if (![-1, 0, 1].includes(color)) throw wrong('color', '-1, 0 or 1', color)
  if (labelWidth < 1) throw wrong('label_width', 'a whole number from 1', labelWidth)
  if (packLabel && labelWidth < 2) throw wrong('pack_label', 'a label_width above 1 with it', labelWidth)
  if (nsplit < 1) throw wrong('nsplit', 'a whole number from 1', nsplit)
  if (part < 0 || part >= nsplit) throw wrong('part', `a whole number from 0 and below nsplit, ${nsplit}`, part)
  if (!['.jpg', '.png'].includes(encoding)) throw wrong('encoding', '.jpg or .png', encoding)
  if (!interMethods.includes(interMethod)) throw wrong('inter_method', interMethods.join(', '), interMethod)
  if (quality < 1) throw wrong('quality', 'a whole number from 1', quality)
}

function wrong(key: string, expected: string, found: unknown): CliError {
  return new CliError('CLI_USAGE', `${key}: expected ${expected}, found ${String(found)}`)
}
