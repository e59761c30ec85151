import { spawn } from 'node:child_process'

export interface Verdict {
  readonly passed: boolean
  /** The checker's last line. */
  readonly summary: string
}

/** Runs the independent checker over a record, in a process of its own. */
export function judge(checker: string, recordFolder: string): Promise<Verdict> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [checker, recordFolder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part))
    child.on('error', reject)
    child.on('close', (code) => {
      process.stdout.write(text)
      resolve({ passed: code === 0, summary: text.trimEnd().split('\n').at(-1) ?? '' })
    })
  })
}
