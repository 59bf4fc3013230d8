// One peer with one network in a process of its own. Loads, answers once, then does as it is told:
//
//   → { warmUpMs }          runs until so much CPU time is spent, at least three times
//   → { inferences }        runs once, then so often; ← { cpuMs, wallMs } of one of these
//
// The first message back is { ready, outputs, cpuMs, memoryMB }: of the first answer, the whole process so far.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const settings = JSON.parse(process.argv[2])
const { load } = await import(`./peers/${settings.peer}.mjs`)
const network = await load(settings)
const bytes = readFileSync(join(settings.folder, 'images.bin'))
const size = settings.shape.reduce((product, each) => product * each, settings.batch)
const input = network.prepare(new Float32Array(bytes.buffer, bytes.byteOffset, size))
const outputs = await network.infer(input)
const { user, system } = process.cpuUsage()
process.send({ ready: true, outputs: [...outputs].map(([name, values]) => [name, [...values]]), cpuMs: (user + system) / 1000, memoryMB: peakMB() })

process.on('message', async ({ warmUpMs, inferences }) => {
  if (warmUpMs === undefined) {
    await network.infer(input) // a process that has been idle is slow at first
    return process.send(await measure(inferences))
  }
  for (let [count, spent] = [0, 0]; count < 3 || spent < warmUpMs; count++) spent += (await measure(1)).cpuMs
  process.send({})
})

async function measure(inferences) {
  const [beganAt, cpuBefore] = [performance.now(), process.cpuUsage()]
  for (let count = 0; count < inferences; count++) await network.infer(input)
  const cpu = process.cpuUsage(cpuBefore)
  return { cpuMs: (cpu.user + cpu.system) / 1000 / inferences, wallMs: (performance.now() - beganAt) / inferences }
}

/** Of this program alone: what getrusage tells includes the process that started it. */
function peakMB() {
  const kilobytes = existsSync('/proc/self/status') ? Number(/VmHWM:\s*(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) : process.resourceUsage().maxRSS
  return kilobytes / 1024
}
