// Moved: pipeline/src/class-names.ts. This file goes once nothing imports it.
import { ClassNames } from '../class-names.js'

export { ClassNames, maxClasses } from '../class-names.js'
export const readClassNames = (path: string): Promise<ClassNames> => ClassNames.read(path)
