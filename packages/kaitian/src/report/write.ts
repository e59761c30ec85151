import { writeWhole } from '@kaitian/train'
import { renderReport, type ReportContent } from './page.js'

/**
 * Writes the report; a reader sees the old file or the whole new one, never a
 * part. Throws FILE_WRITE_FAILED.
 */
export async function writeReport(file: string, content: ReportContent): Promise<void> {
  await writeWhole(file, renderReport(content))
}
