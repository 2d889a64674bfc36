import { createStore, useStore } from '../api/store.ts'
import { SelectField } from './field.tsx'

type Theme = 'system' | 'light' | 'dark'

const NAME = 'longhaul.theme'
const isTheme = (text: string | null): text is Theme => text === 'light' || text === 'dark'
const kept = localStorage.getItem(NAME)
const theme = createStore<Theme>(isTheme(kept) ? kept : 'system')

/** Before anything is drawn, so that nobody sees the wrong one flash. */
export const applyTheme = (): void => {
  const chosen = theme.get()
  if (chosen === 'system') delete document.documentElement.dataset['theme']
  else document.documentElement.dataset['theme'] = chosen
}

export const ThemeChoice = () => (
  <SelectField
    label="Theme"
    hideLabel
    value={useStore(theme)}
    onValue={(value) => {
      theme.set(isTheme(value) ? value : 'system')
      localStorage.setItem(NAME, value)
      applyTheme()
    }}
  >
    <option value="system">Theme: system</option>
    <option value="light">Theme: light</option>
    <option value="dark">Theme: dark</option>
  </SelectField>
)
