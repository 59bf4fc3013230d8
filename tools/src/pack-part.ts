// The part of the work that is this process's: `i/n`, or from what a batch system tells its tasks.
//
//   system              index                                     count
//   Slurm job array     SLURM_ARRAY_TASK_ID, less …_MIN, by …_STEP   SLURM_ARRAY_TASK_COUNT
//   Kubernetes job      JOB_COMPLETION_INDEX                      JOB_COMPLETIONS (set it in the pod's
//                                                                 template: Kubernetes does not)
//   Open MPI            OMPI_COMM_WORLD_RANK                      OMPI_COMM_WORLD_SIZE

import type { PackPart } from '@millrace/pipeline'
import { CliError } from './errors.js'

type Environment = Readonly<Record<string, string | undefined>>

/**
 * @param text `i/n` with i from 0, or `auto`
 * @throws CliError CLI_USAGE
 */
export function parsePart(text: string, environment: Environment = process.env): PackPart {
  if (text === 'auto') return partOfEnvironment(environment)
  const match = /^(\d{1,9})\/(\d{1,9})$/.exec(text)
  if (!match) throw new CliError('CLI_USAGE', `--part: expected i/n such as 0/8, or auto, found ${JSON.stringify(text)}`)
  return checkPart(Number(match[1]), Number(match[2]), '--part')
}

function partOfEnvironment(environment: Environment): PackPart {
  const read = (name: string): number | undefined => {
    const text = environment[name]
    if (text === undefined) return undefined
    if (!/^\d{1,9}$/.test(text)) throw new CliError('CLI_USAGE', `${name}: expected a whole number, found ${JSON.stringify(text)}; give --part i/n`)
    return Number(text)
  }
  const task = read('SLURM_ARRAY_TASK_ID')
  if (task !== undefined) {
    const index = (task - (read('SLURM_ARRAY_TASK_MIN') ?? 0)) / (read('SLURM_ARRAY_TASK_STEP') || 1)
    return checkPart(index, read('SLURM_ARRAY_TASK_COUNT'), 'SLURM_ARRAY_TASK_ID and SLURM_ARRAY_TASK_COUNT')
  }
  const completion = read('JOB_COMPLETION_INDEX')
  if (completion !== undefined) return checkPart(completion, read('JOB_COMPLETIONS'), 'JOB_COMPLETION_INDEX and JOB_COMPLETIONS')
  const rank = read('OMPI_COMM_WORLD_RANK')
  if (rank !== undefined) return checkPart(rank, read('OMPI_COMM_WORLD_SIZE'), 'OMPI_COMM_WORLD_RANK and OMPI_COMM_WORLD_SIZE')
  throw new CliError('CLI_USAGE', '--part auto: expected SLURM_ARRAY_TASK_ID, JOB_COMPLETION_INDEX or OMPI_COMM_WORLD_RANK, found none of them; give --part i/n')
}

function checkPart(index: number, count: number | undefined, name: string): PackPart {
  if (count !== undefined && Number.isInteger(index) && index >= 0 && index < count) return { index, count }
  throw new CliError('CLI_USAGE', `${name}: expected a part from 0 and below the number of parts, found ${index} of ${count ?? 'an unknown number'}; give --part i/n`)
}
