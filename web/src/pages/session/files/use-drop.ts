import { type DragEvent, useState } from 'react'

/** Files that are dragged in from elsewhere; the innermost place that takes them has them. */
export const useDrop = (onFiles: ((files: File[]) => void) | null) => {
  const [over, setOver] = useState(false)
  if (onFiles === null) return {}
  const take = (event: DragEvent, isOver: boolean) => {
    if (!event.dataTransfer.types.includes('Files')) return false
    event.preventDefault()
    event.stopPropagation()
    setOver(isOver)
    return true
  }
  return {
    'data-over': over,
    onDragOver: (event: DragEvent) => void take(event, true),
    onDragLeave: () => setOver(false),
    onDrop: (event: DragEvent) => {
      if (take(event, false)) onFiles([...event.dataTransfer.files])
    },
  }
}
