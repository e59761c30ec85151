/** The record cannot be read, or does not say what docs/run-record.md asks for. */
export class RecordError extends Error {
  override readonly name = 'RecordError'
}
