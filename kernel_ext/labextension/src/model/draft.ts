/** What a person typed into the form of a promotion, and the request that it makes. */

import { changed, Kind, kindOf, limitsOf, parse, positive, textOf } from './parameters';
import { Inspection } from './types';

export interface Draft {
  target: 'paper' | 'live';
  capital: string;
  name: string;
  limits: string;
  /** The text of each parameter's input. */
  parameters: Record<string, string>;
}

/** A fault of a field: of a parameter, the kind that it takes. */
export type Fault = Kind | 'capital' | 'limits';

export interface Promotion {
  notebook: string;
  target: string;
  capital: string;
  name: string;
  limits: Record<string, unknown>;
  parameters: Record<string, unknown>;
}

export type Checked = { promotion: Promotion } | { faults: Record<string, Fault> };

/** The draft for a notebook: what was typed before stays, as long as the notebook still declares it. */
export function draftOf(inspection: Inspection, before?: Draft): Draft {
  const defaults = inspection.parameters.map(one => [
    one.name,
    before?.parameters[one.name] ?? textOf(one.default)
  ]);
  return {
    target: before?.target ?? 'paper',
    capital: before?.capital ?? '100000',
    name: before?.name ?? '',
    limits: before?.limits ?? '',
    parameters: Object.fromEntries(defaults) as Record<string, string>
  };
}

/** The names under which faults are shown. */
export function fieldNames(inspection: Inspection): string[] {
  const parameters = inspection.parameters.map(one => `parameters.${one.name}`);
  return ['target', 'capital', 'name', 'limits', ...parameters];
}

/** Read the texts. Only parameters that differ from their defaults are given. */
export function check(inspection: Inspection, draft: Draft): Checked {
  const faults: Record<string, Fault> = {};
  const values: Record<string, unknown> = {};
  for (const parameter of inspection.parameters) {
    const read = parse(parameter, draft.parameters[parameter.name] ?? '');
    if ('value' in read) {
      values[parameter.name] = read.value;
    } else {
      faults[`parameters.${parameter.name}`] = kindOf(parameter);
    }
  }
  const limits = limitsOf(draft.limits);
  if (limits === null) {
    faults.limits = 'limits';
  }
  if (!positive(draft.capital)) {
    faults.capital = 'capital';
  }
  if (limits === null || Object.keys(faults).length > 0) {
    return { faults };
  }
  const { target, capital, name } = draft;
  const parameters = changed(inspection.parameters, values);
  const { notebook } = inspection;
  return { promotion: { notebook, target, capital: capital.trim(), name: name.trim(), limits, parameters } };
}
