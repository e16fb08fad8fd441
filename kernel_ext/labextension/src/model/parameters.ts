/** The parameters that a notebook declares, as inputs of a form. */

import { Parameter } from './types';

export type Kind = 'bool' | 'int' | 'float' | 'str' | 'list' | 'any';

/** A typed value, or what is wrong with the text. */
export type Parsed = { value: unknown } | { expected: Kind };

const KINDS: Kind[] = ['bool', 'int', 'float', 'str', 'list'];

/** The kind that the gateway names, else that of the default. */
export function kindOf(parameter: Parameter): Kind {
  const named = KINDS.find(kind => kind === parameter.kind);
  if (named) {
    return named;
  }
  const { default: value } = parameter;
  if (typeof value === 'boolean') {
    return 'bool';
  }
  if (typeof value === 'string') {
    return 'str';
  }
  return Array.isArray(value) ? 'list' : 'any';
}

/** A default as the text of its input. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') {
    return value;
  }
  return value === null || value === undefined ? '' : JSON.stringify(value);
}

/** The value that a text means. An empty text of a parameter without a default means null. */
export function parse(parameter: Parameter, text: string): Parsed {
  const kind = kindOf(parameter);
  const trimmed = text.trim();
  if (kind === 'str') {
    return { value: text };
  }
  if (trimmed === '' && parameter.default === null) {
    return { value: null };
  }
  const value = kind === 'list' ? listOf(trimmed) : scalarOf(trimmed);
  return fits(kind, value) ? { value } : { expected: kind };
}

/** Only the values that differ from the defaults: what a promotion records as given. */
export function changed(
  parameters: Parameter[],
  values: Record<string, unknown>
): Record<string, unknown> {
  const given = parameters.filter(
    one => JSON.stringify(values[one.name]) !== JSON.stringify(one.default)
  );
  return Object.fromEntries(given.map(one => [one.name, values[one.name]]));
}

/** A JSON object of limits; an empty text has none. */
export function limitsOf(text: string): Record<string, unknown> | null {
  if (text.trim() === '') {
    return {};
  }
  const value = scalarOf(text);
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject ? (value as Record<string, unknown>) : null;
}

/** Whether a text is a positive decimal number, as capital must be. */
export function positive(text: string): boolean {
  return /^\d+(\.\d+)?$/.test(text.trim()) && Number(text) > 0;
}

function fits(kind: Kind, value: unknown): boolean {
  switch (kind) {
    case 'bool':
      return typeof value === 'boolean';
    case 'int':
      return typeof value === 'number' && Number.isSafeInteger(value);
    case 'float':
      return typeof value === 'number' && Number.isFinite(value);
    case 'list':
      return Array.isArray(value);
    default:
      return value !== undefined && (value === null || typeof value !== 'object');
  }
}

function scalarOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text; // a bare word is a text, as on the command line
  }
}

function listOf(text: string): unknown {
  if (text.startsWith('[')) {
    return scalarOf(text);
  }
  const parts = text.split(',').map(part => part.trim());
  return parts.filter(part => part !== '').map(scalarOf);
}
