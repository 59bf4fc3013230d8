// `millrace demo`: the whole thread on a sample data set. What it does is demo.ts beside this folder.

import { Command } from 'commander'
import type { DemoOptions } from '../demo.js'
import { parseCount, parseWhole } from '../number-options.js'
import type { CommandFactory } from '../program.js'

export const demoCommand: CommandFactory = (signal) =>
  new Command('demo')
    .description('Draw house numbers, pack them, train a network on them and read photos that it has never seen.')
    .option('--folder <path>', 'where everything goes; a former demo there is replaced', 'demo-out')
    .option('--seed <number>', 'of the photos, the first weights and the order', parseWhole, 1)
    .option('--photos <count>', 'training photos', parseCount, 10000)
    .option('--held-out <count>', 'photos to validate on, and as many more to test on', parseCount, 1000)
    .option('--epochs <count>', 'passes over them', parseCount, 14)
    .action(async (options: DemoOptions) => {
      const { Demo } = await import('../demo.js')
      await new Demo(options, signal).run()
    })
