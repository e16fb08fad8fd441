/** Labelled inputs with their faults beside them. */

import * as React from 'react';

export interface FieldProps {
  id: string;
  label: string;
  help?: string;
  fault?: string;
  children: (aria: { id: string; 'aria-invalid': boolean; 'aria-describedby': string }) => JSX.Element;
}

export function Field(props: FieldProps): JSX.Element {
  const { id, label, help, fault, children } = props;
  const node = `ms-field-${id}`;
  return (
    <div className={fault ? 'ms-Field ms-mod-fault' : 'ms-Field'}>
      <label htmlFor={node}>{label}</label>
      {children({ id: node, 'aria-invalid': Boolean(fault), 'aria-describedby': `${node}-about` })}
      <div id={`${node}-about`} className="ms-Field-about">
        {fault && (
          <span className="ms-Field-fault" role="alert">
            {fault}
          </span>
        )}
        {!fault && help}
      </div>
    </div>
  );
}

export interface TextProps extends Omit<FieldProps, 'children'> {
  value: string;
  onChange: (value: string) => void;
  placeholder?: string;
  lines?: number;
  suggestions?: string[];
}

export function TextField(props: TextProps): JSX.Element {
  const { value, onChange, placeholder, lines, suggestions, ...field } = props;
  const list = `ms-list-${field.id}`;
  const common = { className: 'jp-mod-styled ms-Input', value, placeholder, spellCheck: false };
  return (
    <Field {...field}>
      {aria =>
        lines ? (
          <textarea {...aria} {...common} rows={lines} onChange={event => onChange(event.target.value)} />
        ) : (
          <>
            <input
              {...aria}
              {...common}
              type="text"
              list={suggestions && list}
              autoComplete="off"
              onChange={event => onChange(event.target.value)}
            />
            {suggestions && (
              <datalist id={list}>
                {suggestions.map(one => (
                  <option key={one} value={one} />
                ))}
              </datalist>
            )}
          </>
        )
      }
    </Field>
  );
}

export interface ChoiceProps extends Omit<FieldProps, 'children'> {
  value: string;
  onChange: (value: string) => void;
  options: { value: string; label: string; disabled?: boolean }[];
}

export function ChoiceField(props: ChoiceProps): JSX.Element {
  const { value, onChange, options, ...field } = props;
  return (
    <Field {...field}>
      {aria => (
        <select {...aria} className="jp-mod-styled ms-Input" value={value} onChange={event => onChange(event.target.value)}>
          {options.map(one => (
            <option key={one.value} value={one.value} disabled={one.disabled}>
              {one.label}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

export interface CheckProps {
  id: string;
  label: string;
  value: boolean;
  fault?: string;
  onChange: (value: boolean) => void;
}

export function CheckField(props: CheckProps): JSX.Element {
  const { id, label, value, fault, onChange } = props;
  const node = `ms-field-${id}`;
  return (
    <div className={fault ? 'ms-Field ms-mod-check ms-mod-fault' : 'ms-Field ms-mod-check'}>
      <label htmlFor={node}>
        <input
          id={node}
          type="checkbox"
          checked={value}
          aria-invalid={Boolean(fault)}
          onChange={event => onChange(event.target.checked)}
        />
        {label}
      </label>
      {fault && (
        <span className="ms-Field-fault" role="alert">
          {fault}
        </span>
      )}
    </div>
  );
}

/** Gives the first field at fault the focus each time that `round` changes, so that keyboards and screen readers find it. */
export function FocusFault(props: { round: number; form: HTMLElement }): null {
  const { round, form } = props;
  React.useEffect(() => {
    if (round > 0) {
      form.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
    }
  }, [round, form]);
  return null;
}
