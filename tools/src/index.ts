export { CliError, cliErrorCodes, type CliErrorCode } from './errors.js'
export { createProgram, type CommandFactory } from './program.js'
