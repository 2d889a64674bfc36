import { emptyResource, type ResourceDraft } from './form.ts'

/** A file that a person chose, as a resource of the same name. */
export const readChosenFile = (file: File): Promise<ResourceDraft> =>
  new Promise((resolve, reject) => {
    const reader = new FileReader()
    reader.onerror = () => reject(reader.error ?? new Error(`${file.name} can not be read.`))
    reader.onload = () => {
      // data:<type>;base64,<content>; of an empty file nothing stands behind the comma, or there is none.
      const content = String(reader.result)
      const base64 = content.slice(content.indexOf(',') + 1)
      resolve({ ...emptyResource('file'), path: file.name, base64: file.size === 0 ? '' : base64, sizeBytes: file.size })
    }
    reader.readAsDataURL(file)
  })
