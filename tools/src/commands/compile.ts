// `millrace compile MODEL`: lays the compiled form of a network beside it, so that it loads without a
// compiler; and shows what became of each layer, and how long each takes.

import { Command } from 'commander'
import { explainPlan, profileSession, summaryLines, type StepTime } from '../compile-report.js'
import { CliError } from '../errors.js'
import { parseCount } from '../number-options.js'
import type { CommandFactory } from '../program.js'
import { jsonLine } from '../record-output.js'

interface CompileFlags {
  readonly batch: number
  readonly target: string
  readonly winograd: boolean
  readonly explain: boolean
  readonly profile: boolean
  readonly json: boolean
}

export const compileCommand: CommandFactory = () =>
  new Command('compile')
    .description('Compile the network of a model folder into it: compiled/<target>/ beside graph and weights.')
    .argument('<model>', 'model folder, as "millrace export" writes it; what was compiled before gives way')
    .option('--batch <count>', 'most images a run takes; memory grows with it', parseCount, 8)
    .option('--target <name>', 'what to compile for; there is only "cpu" yet', 'cpu')
    .option('--no-winograd', "leave out Winograd's convolution, which is faster and rounds about twice as coarsely")
    .option('--explain', 'show the plan: layer, kernel, tile, work, bytes', false)
    .option('--profile', 'run it, and show in the plan how long each layer takes', false)
    .option('--json', 'print one JSON document instead of lines', false)
    .action(compile)

async function compile(model: string, { batch, target, winograd, explain, profile, json }: CompileFlags): Promise<void> {
  if (target !== 'cpu') throw new CliError('CLI_USAGE', `--target: expected "cpu", found "${target}"`)
  const { openCompiledModel, saveCompiled } = await import('@millrace/infer/compiler')
  const summary = await saveCompiled(model, { batch, target, winograd: winograd ? 'auto' : 'never' })
  const profiled = profile ? profileSession(await openCompiledModel(model, { target })) : undefined
  if (json) process.stdout.write(jsonLine(document(model, target, summary, profiled, explain || profile)))
  else process.stdout.write([...summaryLines(summary), ...(explain || profile ? ['', ...explainPlan(summary.plan, profiled)] : [])].map((line) => `${line}\n`).join(''))
}

type Summary = Awaited<ReturnType<typeof import('@millrace/infer/compiler').saveCompiled>>
type Profile = ReturnType<typeof profileSession>

function document(model: string, target: string, { plan, files, memoryBytes }: Summary, profile: Profile | undefined, withSteps: boolean): object {
  const { batch, arenaBytes, weightBytes, steps } = plan
  return {
    model, target, batch, files, memoryBytes, arenaBytes, weightBytes,
    flops: 2 * steps.reduce((sum, { multiplyAdds }) => sum + multiplyAdds, 0),
    ...(profile && { variant: profile.variant, milliseconds: profile.milliseconds }),
    ...(withSteps && { steps: steps.map((step, index) => ({ ...step, ...(profile?.steps[index] satisfies StepTime | undefined) })) }),
  }
}
