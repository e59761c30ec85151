// How far the build is: it takes about a minute, and silence looks like a hang.

/** @type {import('./progress.js').progressOn} */
export function progressOn(stream) {
  return (done, total) => {
    const text = `compiling: ${done} of ${total} files`
    if (stream.isTTY) stream.write(`\r${text}${done === total ? '\n' : ''}`)
    else if (done === total || done % Math.ceil(total / 10) === 0) stream.write(`${text}\n`)
  }
}
