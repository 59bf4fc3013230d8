export { ClassNames, maxClasses } from '../class-names.js'
