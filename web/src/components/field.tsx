import { type InputHTMLAttributes, type ReactNode, type SelectHTMLAttributes, type TextareaHTMLAttributes, useId } from 'react'

type Around = { label: string; hint?: ReactNode; error?: string | undefined; hideLabel?: boolean }
type Wiring = { id: string; 'aria-describedby': string | undefined; 'aria-invalid': boolean }

/** A label, a control, what it means and what is wrong with it, told to screen readers as one. */
const Field = ({ label, hint, error, hideLabel, control }: Around & { control: (wiring: Wiring) => ReactNode }) => {
  const id = useId()
  const describedBy = [hint ? `${id}-hint` : '', error ? `${id}-error` : ''].filter(Boolean).join(' ')
  return (
    <div className="field">
      <label className={hideLabel ? 'only-heard' : 'field-label'} htmlFor={id}>
        {label}
      </label>
      {control({ id, 'aria-describedby': describedBy || undefined, 'aria-invalid': error !== undefined })}
      {hint && (
        <span className="field-hint" id={`${id}-hint`}>
          {hint}
        </span>
      )}
      {error && (
        <span className="field-error" id={`${id}-error`} role="alert">
          {error}
        </span>
      )}
    </div>
  )
}

type Text = { value: string; onValue: (value: string) => void }

export const TextField = ({ label, hint, error, hideLabel, onValue, ...rest }: Around & Text & InputHTMLAttributes<HTMLInputElement>) => (
  <Field
    {...{ label, hint, error, hideLabel }}
    control={(wiring) => (
      <input {...rest} {...wiring} className={`input ${rest.className ?? ''}`} onChange={(event) => onValue(event.target.value)} />
    )}
  />
)

export const TextArea = ({
  label,
  hint,
  error,
  hideLabel,
  onValue,
  ...rest
}: Around & Text & TextareaHTMLAttributes<HTMLTextAreaElement>) => (
  <Field
    {...{ label, hint, error, hideLabel }}
    control={(wiring) => (
      <textarea {...rest} {...wiring} className={`input ${rest.className ?? ''}`} onChange={(event) => onValue(event.target.value)} />
    )}
  />
)

export const SelectField = ({
  label,
  hint,
  error,
  hideLabel,
  onValue,
  children,
  ...rest
}: Around & Text & SelectHTMLAttributes<HTMLSelectElement>) => (
  <Field
    {...{ label, hint, error, hideLabel }}
    control={(wiring) => (
      <select {...rest} {...wiring} className="input" onChange={(event) => onValue(event.target.value)}>
        {children}
      </select>
    )}
  />
)
