// Names of the folders that the images of each class are put into: the name of the class where every
// system takes it as the name of a folder, else its number. No two classes share one.

/** Gives each label its folder, the same one each time. */
export class ClassFolderNames {
  readonly #folders = new Map<number, string>()
  /** In lower case: some systems do not tell a from A. */
  readonly #taken = new Set<string>()

  constructor(classNames: readonly string[] = []) {
    for (const [label, name] of classNames.entries()) if (isPlain(name)) this.#take(label, name)
  }

  /** @param label as a record holds it */
  of(label: number): string {
    return this.#folders.get(label) ?? this.#take(label, String(label))
  }

  #take(label: number, wanted: string): string {
    let folder = wanted
    for (let next = label; this.#taken.has(folder.toLowerCase()); next++) folder = `${wanted}-${next}`
    this.#taken.add(folder.toLowerCase())
    this.#folders.set(label, folder)
    return folder
  }
}

const longestNameBytes = 200
/** Windows' devices, with or without an ending. */
const devices = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i

function isPlain(name: string): boolean {
  const isShort = Buffer.byteLength(name) <= longestNameBytes
  return isShort && /^[^.\s][^\0-\x1f\x7f/\\:*?"<>|\ufffd]*$/.test(name) && !/[.\s]$/.test(name) && !devices.test(name)
}
