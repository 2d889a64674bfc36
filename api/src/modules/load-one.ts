import { notFound } from '@longhaul/core/src/errors.ts'
import type DataLoader from 'dataloader'

/** The row behind an id that must be there. Throws NOT_FOUND for one that is missing or another tenant's. */
export const loadOne = async <Row>(loader: DataLoader<string, Row | null>, noun: string, id: string): Promise<Row> => {
  const row = await loader.load(id)
  if (row === null) throw notFound(noun, id)
  return row
}
