import writeFileAtomic from 'write-file-atomic'
import { writeFailed } from '../files/writable.js'
import { renderReport, type ReportContent } from './page.js'

/**
 * Writes the report; a reader sees the old file or the whole new one, never a
 * part. Throws FILE_WRITE_FAILED.
 */
export async function writeReport(file: string, content: ReportContent): Promise<void> {
  const page = renderReport(content)
  try {
    await writeFileAtomic(file, page)
  } catch (cause) {
    throw writeFailed(file, cause)
  }
}
