/** The gateway's words in the language of the person. Marked here, so that the catalogue finds them. */

import { TranslationBundle } from '@jupyterlab/translation';

import { Kind } from './model/parameters';
import { ScopeKind } from './model/types';

export function stateWord(trans: TranslationBundle, state: string): string {
  const words: Record<string, string> = {
    pending: trans.__('pending'),
    starting: trans.__('starting'),
    running: trans.__('running'),
    completed: trans.__('completed'),
    stopped: trans.__('stopped'),
    failed: trans.__('failed'),
    held: trans.__('held')
  };
  return words[state] ?? state;
}

export function haltWord(trans: TranslationBundle, state: string): string {
  const words: Record<string, string> = {
    active: trans.__('trading'),
    reduce_only: trans.__('reduce only'),
    halted: trans.__('halted')
  };
  return words[state] ?? state;
}

export function targetWord(trans: TranslationBundle, target: string): string {
  return target === 'live' ? trans.__('Live') : trans.__('Paper');
}

export function scopeWord(trans: TranslationBundle, scope: ScopeKind, id = ''): string {
  const words: Record<ScopeKind, string> = {
    global: trans.__('Everything'),
    portfolio: trans.__('Portfolio'),
    deployment: trans.__('Deployment'),
    instrument: trans.__('Instrument')
  };
  return id ? `${words[scope]} ${id}` : words[scope];
}

/** What to fill in where a scope needs a name. */
export function missingWord(trans: TranslationBundle, scope: ScopeKind): string {
  const words: Record<ScopeKind, string> = {
    global: '',
    portfolio: trans.__('Name the portfolio.'),
    deployment: trans.__('Name the deployment.'),
    instrument: trans.__('Name the instrument.')
  };
  return words[scope];
}

export function roleWord(trans: TranslationBundle, role: string): string {
  const words: Record<string, string> = {
    viewer: trans.__('viewer'),
    trader: trans.__('trader'),
    researcher: trans.__('researcher'),
    operator: trans.__('operator'),
    admin: trans.__('admin')
  };
  return words[role] ?? role;
}

export function kindWord(trans: TranslationBundle, kind: Kind): string {
  const words: Record<Kind, string> = {
    bool: trans.__('true or false'),
    int: trans.__('whole number'),
    float: trans.__('number'),
    str: trans.__('text'),
    list: trans.__('list'),
    any: trans.__('any value')
  };
  return words[kind];
}

export function expectedWord(trans: TranslationBundle, kind: Kind): string {
  const words: Record<Kind, string> = {
    bool: trans.__('This takes true or false.'),
    int: trans.__('This takes a whole number, such as 20.'),
    float: trans.__('This takes a number, such as 0.5.'),
    str: trans.__('This takes a text.'),
    list: trans.__('This takes a list: values with commas between them.'),
    any: trans.__('This takes a number, a text, true, false or null.')
  };
  return words[kind];
}
