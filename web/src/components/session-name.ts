const LENGTH = 80

/** What a session is known by: its title, else how its prompt begins. */
export const toSessionName = ({ title, prompt }: { title: string | null; prompt: string }): string => {
  if (title !== null) return title
  const words = prompt.replaceAll(/\s+/g, ' ').trim()
  return words.length > LENGTH ? `${words.slice(0, LENGTH).trimEnd()} …` : words
}
