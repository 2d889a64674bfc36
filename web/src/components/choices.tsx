import { useId } from 'react'

/** A few words to choose one of, side by side: radio buttons to keyboards and screen readers. */
export const Choices = <T extends string>({
  label,
  value,
  options,
  onValue,
}: {
  label: string
  value: T
  options: readonly { value: T; label: string; title?: string }[]
  onValue: (value: T) => void
}) => {
  const name = useId()
  return (
    <fieldset className="choices">
      <legend className="only-heard">{label}</legend>
      {options.map((option) => (
        <label key={option.value} title={option.title}>
          <input type="radio" name={name} checked={option.value === value} onChange={() => onValue(option.value)} />
          {option.label}
        </label>
      ))}
    </fieldset>
  )
}
