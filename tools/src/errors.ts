// Every error the command line itself raises; docs/errors.md explains each.

export type CliErrorCode = keyof typeof cliErrorCodes

/** Code → what it means in one line. */
export const cliErrorCodes = {
  CLI_ABORTED: 'interrupted by SIGINT or SIGTERM',
  CLI_SAMPLE_FOLDER: 'the folder for a sample data set holds other things',
  CLI_USAGE: 'an argument or option is missing or not understood',
  CLI_DEMO: 'a photo of the demo could not be packed or read',
} as const

/** `message` says where, what was expected, what was found, what to do. */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly code: CliErrorCode

  constructor(code: CliErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
