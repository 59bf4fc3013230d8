// Questions to a worker thread and its answers, matched by number, with errors that keep their code and
// a thread's death turned into an error for everyone who waits.

import { parentPort, Worker } from 'node:worker_threads'
import { RecordError, recordErrorCodes, type RecordErrorCode } from '@millrace/recordio'
import { TrainError, trainErrorCodes, type TrainErrorCode } from './errors.js'

interface Question<Request> {
  readonly id: number
  readonly request: Request
}

type Answer<Reply> =
  | { readonly id: number; readonly reply: Reply }
  | { readonly id: number; readonly error: { readonly code: string | undefined; readonly message: string; readonly stack: string | undefined } }

interface Waiting<Reply> {
  readonly resolve: (reply: Reply) => void
  readonly reject: (error: unknown) => void
}

/** The asking side. Questions go out in order; answers may come in any. */
export class WorkerThread<Request, Reply> {
  readonly #worker: Worker
  readonly #waiting = new Map<number, Waiting<Reply>>()
  #asked = 0
  #death: Error | undefined

  /** `script` must call {@link answerQuestions}. `failure` is the code of an error that has none of ours. */
  constructor(script: URL, name: string, workerData: unknown, failure: TrainErrorCode) {
    this.#worker = new Worker(script, { workerData, name })
    this.#worker.on('message', (answer: Answer<Reply>) => {
      const asked = this.#waiting.get(answer.id)
      if (!asked) return // an answer that the news of the thread's death has overtaken
      this.#waiting.delete(answer.id)
      if ('reply' in answer) asked.resolve(answer.reply)
      else asked.reject(revive(answer.error, name, failure))
    })
    this.#worker.on('error', (cause) => this.#die(new TrainError(failure, `${name} failed: ${cause.message}`, { cause })))
    this.#worker.on('exit', (code) => this.#die(new TrainError(failure, `${name} ended with code ${code}`)))
  }

  /** Rejects with the thread's error, or if the thread has died. */
  ask(request: Request): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (this.#death) {
        reject(this.#death)
        return
      }
      const id = this.#asked++
      this.#waiting.set(id, { resolve, reject })
      this.#worker.postMessage({ id, request } satisfies Question<Request>)
    })
  }

  /** Ends the thread at once; whoever still waits gets an error. */
  async terminate(): Promise<void> {
    await this.#worker.terminate()
  }

  #die(error: Error): void {
    this.#death ??= error
    for (const { reject } of this.#waiting.values()) reject(this.#death)
    this.#waiting.clear()
  }
}

/** The answering side, called once in the worker's script. */
export function answerQuestions<Request, Reply>(answer: (request: Request) => Reply | Promise<Reply>): void {
  parentPort!.on('message', async ({ id, request }: Question<Request>) => {
    let message: Answer<Reply>
    try {
      message = { id, reply: await answer(request) }
    } catch (error) {
      const { code, message: text, stack } = error as NodeJS.ErrnoException
      message = { id, error: { code, message: text, stack } }
    }
    parentPort!.postMessage(message)
  })
}

/** An error that a thread threw, with the class and code that it had there. */
function revive({ code, message, stack }: { code: string | undefined; message: string; stack: string | undefined }, thread: string, failure: TrainErrorCode): Error {
  if (code !== undefined && code in trainErrorCodes) return new TrainError(code as TrainErrorCode, message, { cause: stack })
  if (code !== undefined && code in recordErrorCodes) return new RecordError(code as RecordErrorCode, message, { cause: stack })
  return new TrainError(failure, `${thread}: ${code ? `${code}: ` : ''}${message}`, { cause: stack })
}
