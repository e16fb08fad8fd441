/** The form of a halt or a resumption: scope, reason, confirmation. */

import { ReactWidget } from '@jupyterlab/ui-components';
import * as React from 'react';

import { Context } from './context';
import { CheckField, ChoiceField, FocusFault, TextField } from './fields';
import { place } from './model/faults';
import { scopeIds } from './model/status';
import { Halt, Problem, Scope, ScopeKind } from './model/types';
import { ProblemNotice } from './notice';
import { haltWord, missingWord, scopeWord } from './words';

const KINDS: ScopeKind[] = ['global', 'portfolio', 'deployment', 'instrument'];
const FIELDS = ['scope', 'scope_id', 'reason'];

export interface HaltRequest extends Scope {
  reason: string;
  reduce_only?: boolean;
}

/** `halts` are those that can be resumed; null for a form that halts. */
export class HaltForm extends ReactWidget {
  private faults: Record<string, string> = {};
  private problem: Problem | null = null;
  private round = 0;
  private reason = '';
  private reduceOnly = false;
  private confirmed = false;

  constructor(
    private readonly context: Context,
    private readonly halts: Halt[] | null,
    private chosen: Scope
  ) {
    super();
    this.addClass('ms-Form');
  }

  /** The request, or null where something is missing; what then stands beside its field. */
  read(): HaltRequest | null {
    const { trans } = this.context;
    const { scope, scope_id } = this.chosen;
    const faults: Record<string, string> = {};
    if (scope !== 'global' && scope_id.trim() === '') {
      faults.scope_id = missingWord(trans, scope);
    }
    if (this.reason.trim() === '') {
      faults.reason = trans.__('Say why: the reason is recorded and shown to everybody.');
    }
    if (!this.confirmed) {
      faults.confirmed = trans.__('Confirm this first.');
    }
    this.faults = faults;
    this.problem = null;
    this.round += Object.keys(faults).length > 0 ? 1 : 0;
    this.update();
    if (Object.keys(faults).length > 0) {
      return null;
    }
    const request = { scope, scope_id: scope_id.trim(), reason: this.reason.trim() };
    return this.halts === null ? { ...request, reduce_only: this.reduceOnly } : request;
  }

  refuse(problem: Problem): void {
    const { fields, general } = place(problem, FIELDS);
    this.faults = fields;
    this.problem = general ? { ...problem, detail: general, hint: '' } : null;
    this.round += 1;
    this.update();
  }

  protected render(): JSX.Element {
    const { trans } = this.context;
    return (
      <>
        {this.problem && <ProblemNotice problem={this.problem} />}
        {this.halts === null ? this.renderScope() : this.renderHalts(this.halts)}
        <TextField
          id="reason"
          label={trans.__('Reason')}
          fault={this.faults.reason}
          value={this.reason}
          onChange={reason => this.change(() => (this.reason = reason))}
        />
        <CheckField
          id="confirmed"
          label={this.question()}
          fault={this.faults.confirmed}
          value={this.confirmed}
          onChange={confirmed => this.change(() => (this.confirmed = confirmed))}
        />
        <FocusFault round={this.round} form={this.node} />
      </>
    );
  }

  private renderScope(): JSX.Element {
    const { trans } = this.context;
    const { scope, scope_id } = this.chosen;
    return (
      <>
        <ChoiceField
          id="scope"
          label={trans.__('What to halt')}
          value={scope}
          fault={this.faults.scope}
          onChange={kind => this.change(() => (this.chosen = { scope: kind as ScopeKind, scope_id: '' }))}
          options={KINDS.map(kind => ({ value: kind, label: scopeWord(trans, kind) }))}
        />
        {scope !== 'global' && (
          <TextField
            id="scope_id"
            label={scopeWord(trans, scope)}
            value={scope_id}
            fault={this.faults.scope_id}
            suggestions={scopeIds(this.context.status.state, scope)}
            onChange={id => this.change(() => (this.chosen = { scope, scope_id: id }))}
          />
        )}
        <CheckField
          id="reduce_only"
          label={trans.__('Still allow orders that reduce a position')}
          value={this.reduceOnly}
          onChange={reduceOnly => this.change(() => (this.reduceOnly = reduceOnly))}
        />
      </>
    );
  }

  private renderHalts(halts: Halt[]): JSX.Element {
    const { trans } = this.context;
    const key = (one: Scope) => `${one.scope} ${one.scope_id}`;
    const choose = (value: string) => {
      const halt = halts.find(one => key(one) === value);
      this.change(() => (this.chosen = halt ?? this.chosen));
    };
    return (
      <ChoiceField
        id="scope"
        label={trans.__('What to resume')}
        value={key(this.chosen)}
        fault={this.faults.scope ?? this.faults.scope_id}
        onChange={choose}
        options={halts.map(one => ({
          value: key(one),
          label: `${scopeWord(trans, one.scope, one.scope_id)}: ${haltWord(trans, one.state)} (${one.reason})`
        }))}
      />
    );
  }

  private question(): string {
    const { trans } = this.context;
    const name = scopeWord(trans, this.chosen.scope, this.chosen.scope_id);
    if (this.halts !== null) {
      return trans.__('Yes, allow trading again: %1.', name);
    }
    return this.reduceOnly
      ? trans.__('Yes, refuse every order that does not reduce a position: %1.', name)
      : trans.__('Yes, refuse new orders and cancel working ones: %1.', name);
  }

  /** A confirmation holds for what was on the form when it was given. */
  private change(apply: () => void): void {
    const before = this.question();
    apply();
    if (this.question() !== before) {
      this.confirmed = false;
    }
    this.update();
  }
}
