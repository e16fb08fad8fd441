/** Which field of a form a problem is about. */

import { Problem } from './types';

/** The messages beside the fields, by field name, and what stands above the form. */
export interface Placed {
  fields: Record<string, string>;
  general: string;
}

const PARAMETER = /\bparameter '?([A-Za-z_]\w*)/;

/**
 * Put each fault beside its field. `names` are the fields: parameters as `parameters.fast`, others by their own name.
 * What no field is to blame for stays in `general`, with what to do about it.
 */
export function place(problem: Problem, names: readonly string[]): Placed {
  const fields: Record<string, string> = {};
  const rest: string[] = [];
  for (const fault of problem.faults) {
    const field = fieldOf(fault.where, names);
    if (field) {
      fields[field] = join(fields[field], fault.message);
    } else {
      rest.push(`${fault.where}: ${fault.message}`);
    }
  }
  const text = join(problem.detail || problem.title, problem.hint);
  const blamed = `parameters.${PARAMETER.exec(problem.detail)?.[1] ?? ''}`;
  if (names.includes(blamed)) {
    fields[blamed] = join(fields[blamed], text);
    return { fields, general: rest.join(' ') };
  }
  if (problem.faults.length > 0 && rest.length === 0) {
    return { fields, general: problem.hint };
  }
  return { fields, general: join(text, rest.join(' ')) };
}

function fieldOf(where: string, names: readonly string[]): string | undefined {
  const path = where.replace(/^body\./, '');
  // A fault inside a limit belongs to the limits' one input.
  return names.find(name => path === name || path.startsWith(`${name}.`));
}

/** Sentences one after the other, each with its full stop, and none of them twice. */
export function join(...parts: (string | undefined)[]): string {
  const said = new Map<string, string>();
  for (const part of parts) {
    if (part) {
      const sentence = /[.!?]$/.test(part) ? part : `${part}.`;
      said.set(sentence.toLowerCase(), said.get(sentence.toLowerCase()) ?? sentence);
    }
  }
  return [...said.values()].join(' ');
}
