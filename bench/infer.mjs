// How fast does a trained network answer? Millrace beside onnxruntime-web, tfjs-backend-wasm, LiteRT.js and
// onnxruntime's native library, with the same seeded weights. Each peer and network has a process of its own; they
// take turns, one batch at a time. CPU time (user and system) of an inference on one thread, wall time on several.
// First all answers are compared: an error above 1e-4 of the output's range ends the run.
//
//   npm run bench:infer [-- --rounds 9 --networks svhn,resnet50 --peers onnxruntime-web --threads 1,2 --batches 1,8]
//                       [-- --cold-rounds 5 --node 24 --json]
//
// The peers are installed once into bench/node_modules. --json prints the samples, and the tables on stderr. --node takes a path or a version that npm's `node` has.

import { fork, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { largestError } from './infer/compare.mjs'
import { peers } from './infer/peers.mjs'
import { median, report } from './infer/report.mjs'

const here = fileURLToPath(new URL('.', import.meta.url))
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '9' },
    'cold-rounds': { type: 'string', default: '5' },
    networks: { type: 'string', default: 'svhn,mobilenet,squeezenet,resnet50,vgg16-32,googlenet,emotion' },
    peers: { type: 'string', default: Object.keys(peers).join() },
    threads: { type: 'string', default: '1' },
    batches: { type: 'string', default: '1,8' },
    node: { type: 'string', default: process.execPath },
    json: { type: 'boolean', default: false },
  },
})
const [networkNames, threadCounts, batches] = [values.networks.split(','), numbers(values.threads), numbers(values.batches)]
const peerNames = ['millrace', ...values.peers.split(',').filter((name) => name !== 'millrace')]
/** Its answers are what the others' are compared with. */
const truth = ['onnxruntime-node', 'onnxruntime-web', ...peerNames].find((name) => peerNames.includes(name))
const [maxError, warmUpMs, turnMs] = [1e-4, 1500, 80]

installPeers()
// Later, because the networks come from packages that the script's caller has just built.
const { prepareNetwork } = await import('./infer/prepare.mjs')
const node = nodeProgram(values.node)
const folder = await mkdtemp(join(tmpdir(), 'millrace-bench-'))
const result = { date: new Date().toISOString(), node: spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim(), processor: cpus()[0]?.model ?? 'unknown', cores: availableParallelism(), rounds: Number(values.rounds), loadBefore: loadavg(), networks: {}, cells: [], cold: [] }
try {
  for (const name of networkNames) {
    const network = await prepareNetwork(name, join(folder, name), [...new Set([1, ...batches])])
    result.networks[name] = network.facts
    for (const threads of threadCounts) for (const batch of batches) result.cells.push(await measureCell({ network, threads, batch }))
    result.cold.push(...(await measureStarts(network)))
    await rm(network.folder, { recursive: true })
  }
} finally {
  await rm(folder, { recursive: true })
}
result.loadAfter = loadavg()
if (values.json) console.error(report(result))
console.log(values.json ? JSON.stringify(result, null, 2) : report(result))

/** One network at one batch size: what an inference costs each peer, round by round. A peer without threads has one. */
async function measureCell({ network, threads, batch }) {
  progress(`${network.name}, batch ${batch}, ${threads} thread${threads > 1 ? 's' : ''}`)
  const running = []
  try {
    for (const peer of peerNames) running.push(await start({ peer, network, threads: Math.min(threads, peers[peer].mostThreads), batch }))
    const errors = compareOutputs(running, network.name)
    for (const each of running) await ask(each, { warmUpMs })
    for (const each of running) each.inferences = Math.max(1, Math.floor(turnMs / (await ask(each, { inferences: 1 })).cpuMs))
    for (let round = 0; round < Number(values.rounds); round++) {
      for (const each of running) each.samples.push(await ask(each, { inferences: each.inferences }))
    }
    return { network: network.name, batch, threads, errors, samples: Object.fromEntries(running.map(({ peer, samples }) => [peer, samples])) }
  } finally {
    for (const { child } of running) child.kill('SIGKILL')
  }
}

/** From the start of the process to its first answer. */
async function measureStarts(network) {
  const samples = Object.fromEntries(peerNames.map((peer) => [peer, []]))
  for (let round = 0; round < Number(values['cold-rounds']); round++) {
    for (const peer of peerNames) {
      const { child, startMs, ready } = await start({ peer, network, threads: 1, batch: 1 })
      child.kill('SIGKILL')
      samples[peer].push({ startMs, cpuMs: ready.cpuMs, memoryMB: ready.memoryMB })
    }
  }
  return Object.entries(samples).filter(([, list]) => list.length > 0).map(([peer, list]) => ({ network: network.name, peer, ...Object.fromEntries(Object.keys(list[0]).map((key) => [key, median(list.map((each) => each[key]))])) }))
}

async function start({ peer, network, threads, batch }) {
  const settings = { peer, folder: network.folder, shape: network.shape, batch, threads }
  const beganAt = performance.now()
  const child = fork(join(here, 'infer/peer-run.mjs'), [JSON.stringify(settings)], { execPath: node, execArgv: peers[peer].nodeOptions ?? [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const ready = await answer(child, `${peer}, ${network.name}`)
  return { peer, child, ready, startMs: performance.now() - beganAt, samples: [] }
}

async function ask({ peer, child }, message) {
  child.send(message)
  return answer(child, peer)
}

async function answer(child, who) {
  const ended = new AbortController()
  const [message] = await Promise.race([
    once(child, 'message', { signal: ended.signal }),
    once(child, 'exit', { signal: ended.signal }).then(([code]) => Promise.reject(new Error(`${who}: ended with ${code} and no answer`))),
  ])
  ended.abort()
  return message
}

/** Peer → error against the truth, all of them within bounds. */
function compareOutputs(running, network) {
  const expected = running.find(({ peer }) => peer === truth).ready.outputs
  return Object.fromEntries(running.map(({ peer, ready }) => {
    const error = largestError(expected, ready.outputs)
    if (!(error <= maxError)) throw new Error(`${network}: ${peer} differs from ${truth} by ${error} of the output's range`)
    return [peer, error]
  }))
}

function installPeers() {
  if (existsSync(join(here, 'node_modules'))) return
  progress('installing the peers into bench/node_modules')
  const { status } = spawnSync('npm', ['ci', '--prefix', here, '--ignore-scripts', '--no-audit', '--no-fund'], { stdio: ['ignore', 'inherit', 'inherit'], shell: process.platform === 'win32' })
  if (status !== 0) throw new Error('npm ci --prefix bench failed')
}

function nodeProgram(wanted) {
  if (existsSync(wanted)) return wanted
  const { status, stdout, stderr } = spawnSync('npx', ['-y', `node@${wanted}`, '-p', 'process.execPath'], { encoding: 'utf8', shell: process.platform === 'win32' })
  if (status !== 0) throw new Error(`node@${wanted}: ${stderr}`)
  return stdout.trim()
}

function numbers(list) {
  return list.split(',').map(Number)
}

function progress(line) {
  process.stderr.write(`${line} …\n`)
}
